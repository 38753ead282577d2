// Which layouts exist: the widths and slot counts of the certificate, and what is refused just beyond them.

#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>

#include "opaline/base/error.h"
#include "opaline/packing/slot_layout.h"
#include "support/error_kind.h"

using namespace opaline;
using opaline::test::kind_of;

namespace {

constexpr std::int64_t kTwoTo62 = std::int64_t{1} << 62;

}  // namespace

TEST_CASE("a slot has room for the answer, its sign and two guard bits") {
  // bound, input maximum, bits a slot
  const std::int64_t expected[][3] = {{0, 0, 3},      {0, 1, 3},         {1, 0, 4},        {1, 3, 4},
                                      {1, 4, 5},      {2, 0, 5},         {3, 0, 5},        {4, 0, 6},
                                      {511, 15, 12},  {512, 15, 13},     {0, 255, 10},     {127, 255, 10},
                                      {128, 255, 11}, {524287, 255, 22}, {524288, 255, 23}};
  for (const auto& [bound, input_maximum, bits] : expected) {
    CAPTURE(bound, input_maximum);
    CHECK(SlotLayout::batch(bound, input_maximum, 2048).shape().slot_bits == static_cast<unsigned>(bits));
    CHECK(SlotLayout::plain(bound, input_maximum, 2048).shape().slot_bits == static_cast<unsigned>(bits));
  }
  CHECK(SlotLayout::batch(kTwoTo62 - 1, 1, 2048).shape().slot_bits == 65);
}

TEST_CASE("as many slots as fit below a quarter of the modulus") {
  CHECK(SlotLayout::batch(524287, 255, 2048).slots() == 93);  // 22 bits: 2046 / 22 exactly
  CHECK(SlotLayout::batch(524288, 255, 2048).slots() == 88);  // 23 bits
  CHECK(SlotLayout::batch(524287, 255, 3072).slots() == 139);
  CHECK(SlotLayout::batch(524287, 255, 2047).slots() == 92);  // one bit short of 93
  CHECK(SlotLayout::batch(kTwoTo62 - 1, 1, 1024).slots() == 15);
  CHECK(SlotLayout::plain(524287, 255, 2048).slots() == 1);
}

TEST_CASE("a key that cannot hold one answer is refused, one bit more is enough") {
  for (const std::int64_t bound : {std::int64_t{0}, std::int64_t{1}, std::int64_t{1000}, kTwoTo62 - 1}) {
    const std::size_t bits = SlotLayout::batch(bound, 1, 2048).shape().slot_bits;
    CAPTURE(bound);
    CHECK(SlotLayout::batch(bound, 1, bits + 2).slots() == 1);
    CHECK(SlotLayout::plain(bound, 1, bits + 2).slots() == 1);
    for (const std::size_t key_bits : {std::size_t{0}, std::size_t{1}, std::size_t{2}, bits + 1}) {
      CHECK(kind_of([&] { SlotLayout::batch(bound, 1, key_bits); }) == ErrorKind::does_not_fit);
      CHECK(kind_of([&] { SlotLayout::plain(bound, 1, key_bits); }) == ErrorKind::does_not_fit);
      CHECK(kind_of([&] {
              SlotLayout::granted({1, static_cast<unsigned>(bits)}, bound, 1, key_bits);
            }) == ErrorKind::does_not_fit);
    }
  }
}

TEST_CASE("bounds outside [0, 2^62) make no sense") {
  for (const std::int64_t wrong : {std::int64_t{-1}, kTwoTo62, std::numeric_limits<std::int64_t>::max(),
                                   std::numeric_limits<std::int64_t>::min()}) {
    CAPTURE(wrong);
    CHECK(kind_of([&] { SlotLayout::batch(wrong, 1, 2048); }) == ErrorKind::invalid_argument);
    CHECK(kind_of([&] { SlotLayout::batch(1, wrong, 2048); }) == ErrorKind::invalid_argument);
    CHECK(kind_of([&] { SlotLayout::plain(wrong, 1, 2048); }) == ErrorKind::invalid_argument);
    CHECK(kind_of([&] { SlotLayout::granted({1, 4}, 1, wrong, 2048); }) == ErrorKind::invalid_argument);
  }
}

TEST_CASE("of received layouts only those of the certificate are granted") {
  const SlotLayout full = SlotLayout::batch(1000, 255, 1024);
  const LayoutShape most = full.shape();
  REQUIRE(most == LayoutShape{78, 13});
  for (std::size_t slots = 1; slots <= most.slots; ++slots) {
    CHECK(SlotLayout::granted({slots, 13}, 1000, 255, 1024).shape() == LayoutShape{slots, 13});
  }
  const LayoutShape refused[] = {{0, 13},
                                 {79, 13},
                                 {1, 12},
                                 {1, 14},
                                 {78, 12},
                                 {73, 14},
                                 {1, 0},
                                 {0, 0},
                                 {std::numeric_limits<std::size_t>::max(), 13},
                                 {1, std::numeric_limits<unsigned>::max()},
                                 {std::size_t{1} << 60, 0x80000000U}};
  for (const LayoutShape& shape : refused) {
    CAPTURE(shape.slots, shape.slot_bits);
    CHECK(kind_of([&] { SlotLayout::granted(shape, 1000, 255, 1024); }) == ErrorKind::does_not_fit);
  }
}
