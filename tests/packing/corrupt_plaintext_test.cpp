// A plaintext that no honest reply can hold is reported, never rounded into an answer.

#include <catch2/catch.hpp>
#include <cstdint>
#include <random>
#include <vector>

#include "opaline/packing/slot_layout.h"
#include "support/error_kind.h"

using namespace opaline;
using opaline::test::kind_of;

namespace {

bool is_corrupt(const SlotLayout& layout, const Integer& plaintext, std::size_t count) {
  return kind_of([&] { layout.unpack(plaintext, count); }) == ErrorKind::corrupt_reply;
}

Integer power_of_two(std::size_t exponent) { return Integer(1) << exponent; }

}  // namespace

TEST_CASE("negative and too large plaintexts are corrupt") {
  const SlotLayout layout = SlotLayout::batch(100, 3, 1024);
  const std::size_t all_bits = layout.slots() * layout.shape().slot_bits;
  const Integer good = layout.offset(0);
  REQUIRE_FALSE(is_corrupt(layout, good, 1));
  CHECK(is_corrupt(layout, -good, 1));
  CHECK(is_corrupt(layout, -1, 1));
  CHECK(is_corrupt(layout, good - power_of_two(all_bits), 1));
  CHECK(is_corrupt(layout, good + power_of_two(all_bits), 1));
  CHECK(is_corrupt(layout, good + power_of_two(all_bits + 500), 1));
  CHECK(is_corrupt(layout, 0, 1));
  CHECK(is_corrupt(layout, 0, 0));
  CHECK(is_corrupt(layout, power_of_two(all_bits) - 1, 1));
}

TEST_CASE("one step outside the certificate in any slot, wanted or not, is corrupt") {
  for (const std::int64_t bound : {0, 1, 3, 4, 1000}) {
    const SlotLayout layout = SlotLayout::batch(bound, 3, 200);
    for (std::size_t slot = 0; slot < layout.slots(); ++slot) {
      const auto with = [&](std::int64_t answer) -> Integer {
        return layout.offset(0) + Integer(answer) * power_of_two(slot * layout.shape().slot_bits);
      };
      CAPTURE(bound, slot);
      for (const std::size_t count : {std::size_t{0}, std::size_t{1}, layout.slots()}) {
        CHECK_FALSE(is_corrupt(layout, with(bound), count));
        CHECK_FALSE(is_corrupt(layout, with(-bound), count));
        CHECK(is_corrupt(layout, with(bound + 1), count));
        CHECK(is_corrupt(layout, with(-bound - 1), count));
      }
    }
  }
}

TEST_CASE("every flipped guard bit is found") {
  const SlotLayout layout = SlotLayout::batch(127, 3, 1024);  // b = 8, W = 10
  REQUIRE(layout.shape().slot_bits == 10);
  for (std::size_t slot = 0; slot < layout.slots(); ++slot) {
    CHECK(is_corrupt(layout, layout.offset(0) + power_of_two(slot * 10 + 8), 1));
    CHECK(is_corrupt(layout, layout.offset(0) + power_of_two(slot * 10 + 9), 1));
  }
}

TEST_CASE("random numbers below the modulus are corrupt") {
  const SlotLayout layout = SlotLayout::batch(100, 3, 1024);
  std::mt19937_64 random(7);
  for (int round = 0; round < 1000; ++round) {
    Integer plaintext = 0;
    for (int word = 0; word < 16; ++word) plaintext = (plaintext << 64) + random();
    CHECK(is_corrupt(layout, plaintext >> (random() % 4), layout.slots()));
  }
}

TEST_CASE("more answers than slots cannot be asked for") {
  const SlotLayout layout = SlotLayout::plain(100, 3, 1024);
  CHECK(layout.unpack(layout.offset(7), 1) == std::vector<std::int64_t>{7});
  CHECK(kind_of([&] { layout.unpack(layout.offset(7), 2); }) == ErrorKind::invalid_argument);
}
