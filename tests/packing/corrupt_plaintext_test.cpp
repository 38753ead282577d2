// A plaintext that no honest reply can hold is reported, never rounded into an answer.

#include <catch2/catch.hpp>
#include <cstdint>
#include <random>
#include <vector>

#include "small_model.h"
#include "support/error_kind.h"
#include "support/packed_integers.h"

using namespace opaline;
using namespace opaline::test;

namespace {

bool is_corrupt(const SlotLayout& layout, const Integer& plaintext, std::size_t count) {
  return kind_of([&] { unpack_integer(layout, 0, plaintext, count); }) == ErrorKind::corrupt_reply;
}

Integer power_of_two(std::size_t exponent) { return Integer(1) << static_cast<unsigned>(exponent); }

/// All answers 0.
Integer zeros(const SlotLayout& layout) {
  Integer plaintext = 0;
  for (std::size_t image = 0; image < layout.images(); ++image) {
    for (std::size_t u = 0; u < layout.answers_in(0); ++u) {
      plaintext += layout.certificate().bound * power_of_two(layout.answer_bit(image, u));
    }
  }
  return plaintext;
}

SlotLayout layout_of(LayoutShape shape, const Certificate& certificate, std::size_t key_bits) {
  shape.slot_bits = SlotLayout::slot_bits(shape, certificate);
  return {shape, certificate, key_bits};
}

}  // namespace

TEST_CASE("negative and too large plaintexts are corrupt") {
  for (const LayoutShape& shape : {LayoutShape{1, 1, 1, 100, 0}, {3, 2, 1, 2, 0}, {3, 2, 2, 2, 0}}) {
    const SlotLayout layout = layout_of(shape, {10, 3, 3, 100, 40}, 1024);
    const std::size_t all_bits = shape.images * shape.slots_an_image() * layout.shape().slot_bits;
    const Integer good = zeros(layout);
    REQUIRE_FALSE(is_corrupt(layout, good, 1));
    CHECK(is_corrupt(layout, -good, 1));
    CHECK(is_corrupt(layout, -1, 1));
    CHECK(is_corrupt(layout, good - power_of_two(all_bits), 1));
    CHECK(is_corrupt(layout, good + power_of_two(all_bits), 1));
    CHECK(is_corrupt(layout, good + power_of_two(all_bits + 500), 1));
    CHECK(is_corrupt(layout, power_of_two(all_bits) - 1, 1));
  }
}

TEST_CASE("one step outside the certificate in any answer, wanted or not, is corrupt") {
  for (const std::int64_t bound : {0, 1, 3, 4, 1000}) {
    for (const LayoutShape& shape :
         {LayoutShape{1, 1, 1, 5, 0}, {1, 3, 1, 2, 0}, {1, 3, 2, 2, 0}, {2, 1, 1, 2, 0}, {2, 3, 3, 1, 0}}) {
      const SlotLayout layout = layout_of(shape, {10, 3, 3, bound, 8}, 256);
      for (std::size_t image = 0; image < layout.images(); ++image) {
        for (std::size_t u = 0; u < shape.outputs; ++u) {
          const auto with = [&](std::int64_t answer) -> Integer {
            return zeros(layout) + Integer(answer) * power_of_two(layout.answer_bit(image, u));
          };
          CAPTURE(bound, image, u, shape.features, shape.outputs_a_slot);
          for (const std::size_t count : {std::size_t{0}, std::size_t{1}, layout.images()}) {
            CHECK_FALSE(is_corrupt(layout, with(bound), count));
            CHECK_FALSE(is_corrupt(layout, with(-bound), count));
            CHECK(is_corrupt(layout, with(bound + 1), count));
            CHECK(is_corrupt(layout, with(-bound - 1), count));
          }
        }
      }
    }
  }
}

TEST_CASE("the room that a mask needs below an answer is empty above it, and every bit there is looked at") {
  const SlotLayout layout = layout_of({3, 4, 2, 2, 0}, {10, 5, 3, 100, 40}, 4096);
  for (std::size_t image = 0; image < 2; ++image) {
    for (const std::size_t u : {std::size_t{0}, std::size_t{2}}) {
      for (unsigned bit = 2 * layout.answer_bits(); bit < layout.shape().slot_bits; ++bit) {
        CHECK(is_corrupt(layout, zeros(layout) + power_of_two(layout.answer_bit(image, u) + bit), 1));
      }
    }
  }
}

TEST_CASE("what stands in runs of unwanted sums is not looked at") {
  const SlotLayout layout = layout_of({3, 4, 2, 2, 0}, {10, 5, 3, 100, 40}, 4096);
  for (std::size_t image = 0; image < 2; ++image) {
    for (std::size_t run = 0; run < layout.runs(); ++run) {
      const Integer full = power_of_two(layout.run_bits()) - 1;
      const Integer plaintext = zeros(layout) + full * power_of_two(layout.run_bit(image, run));
      CHECK(unpack_integer(layout, 0, plaintext, 2) == unpack_integer(layout, 0, zeros(layout), 2));
    }
  }
}

TEST_CASE("an answer that the model does not have is corrupt") {
  const SlotLayout layout = layout_of({1, 2, 1, 2, 0}, {10, 3, 3, 100, 40}, 1024);
  REQUIRE(layout.replies() == 2);
  REQUIRE(layout.answers_in(1) == 1);
  Integer plaintext = 0;
  for (std::size_t image = 0; image < 2; ++image)
    plaintext += 100 * power_of_two(layout.answer_bit(image, 0));
  const auto last = [&](const Integer& x) { return kind_of([&] { unpack_integer(layout, 1, x, 2); }); };
  CHECK_FALSE(last(plaintext));
  CHECK(last(plaintext + power_of_two(layout.answer_bit(0, 1))) == ErrorKind::corrupt_reply);
  CHECK(last(plaintext + power_of_two(layout.answer_bit(1, 1) + 3)) == ErrorKind::corrupt_reply);
}

TEST_CASE("random numbers below the modulus are corrupt") {
  std::mt19937_64 random(7);
  for (const LayoutShape& shape : {LayoutShape{1, 1, 1, 100, 0}, {3, 2, 1, 2, 0}, {8, 1, 1, 1, 0}}) {
    const SlotLayout layout = layout_of(shape, {10, 3, 3, 100, 40}, 1024);
    for (int round = 0; round < 1000; ++round) {
      Integer plaintext = 0;
      for (int word = 0; word < 16; ++word) plaintext = (plaintext << 64) + random();
      CHECK(is_corrupt(layout, plaintext >> static_cast<unsigned>(random() % 4), layout.images()));
    }
  }
}

TEST_CASE("more images or replies than there are cannot be asked for") {
  const SlotLayout layout = SlotLayout::plain({10, 3, 3, 100, 40}, 1024);
  CHECK(unpack_integer(layout, 0, 107, 1) == std::vector<std::vector<std::int64_t>>{{7}});
  CHECK(kind_of([&] { unpack_integer(layout, 0, 107, 2); }) == ErrorKind::invalid_argument);
  CHECK(kind_of([&] { unpack_integer(layout, 3, 107, 1); }) == ErrorKind::invalid_argument);
}
