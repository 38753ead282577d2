// Which layouts exist: the widths and image counts of the certificate, and what is refused just beyond them.

#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>

#include "opaline/bigint/integer.h"
#include "opaline/packing/slot_layout.h"
#include "support/error_kind.h"

using namespace opaline;
using opaline::test::kind_of;

namespace {

constexpr std::int64_t kTwoTo62 = std::int64_t{1} << 62;

Certificate certificate(std::int64_t bound, std::int64_t input_maximum, unsigned mask_bits = 40) {
  return {784, 10, input_maximum, bound, mask_bits};
}

unsigned width(const LayoutShape& shape, const Certificate& certificate) {
  return SlotLayout::slot_bits(shape, certificate);
}

/// The shape with its width, for as many images as are asked for.
LayoutShape shaped(std::size_t features, std::size_t outputs, std::size_t a_slot, std::size_t images,
                   const Certificate& certificate) {
  LayoutShape shape{features, outputs, a_slot, images, 0};
  shape.slot_bits = width(shape, certificate);
  return shape;
}

}  // namespace

TEST_CASE("a slot without unwanted neighbours is as wide as its answers or its input") {
  // bound, input maximum, bits a slot
  const std::int64_t expected[][3] = {{0, 0, 1},     {0, 1, 1},         {1, 0, 2},        {1, 3, 2},
                                      {1, 4, 3},     {2, 0, 3},         {3, 0, 3},        {4, 0, 4},
                                      {511, 15, 10}, {512, 15, 11},     {0, 255, 8},      {127, 255, 8},
                                      {128, 255, 9}, {524287, 255, 20}, {524288, 255, 21}};
  for (const auto& [bound, input_maximum, bits] : expected) {
    CAPTURE(bound, input_maximum);
    const auto wanted = static_cast<unsigned>(bits);
    CHECK(SlotLayout::batch(certificate(bound, input_maximum), 2048).shape().slot_bits == wanted);
    CHECK(SlotLayout::plain(certificate(bound, input_maximum), 2048).shape().slot_bits == wanted);
    if (bound > 2)
      CHECK(width({1, 10, 5, 1, 0}, certificate(bound, 1)) == 5 * width({}, certificate(bound, 1)));
  }
  CHECK(SlotLayout::batch(certificate(kTwoTo62 - 1, 1), 2048).shape().slot_bits == 63);
}

TEST_CASE("a slot with unwanted neighbours has room for a mask") {
  // Range 2·bound = 60000 of an unwanted sum, times 2^40 + 1: 15.87 + 40 bits; of two outputs: one more.
  const Certificate model = certificate(30000, 15);
  CHECK(width({12, 1, 1, 1, 0}, model) == 56);
  CHECK(width({2, 1, 1, 1, 0}, model) == 56);
  CHECK(width({12, 2, 1, 1, 0}, model) == 57);
  CHECK(width({12, 10, 1, 1, 0}, model) == 57);
  CHECK(width({12, 2, 2, 1, 0}, model) == 72);
  CHECK(width({12, 10, 10, 1, 0}, model) == 200);
  CHECK(width({12, 4, 2, 1, 0}, model) == 73);
  CHECK(width({12, 1, 1, 1, 0}, certificate(30000, 15, 0)) == 17);
  CHECK(width({12, 1, 1, 1, 0}, certificate(30000, 15, 1)) == 18);
  CHECK(width({12, 1, 1, 1, 0}, certificate(30000, 15, 128)) == 144);
}

TEST_CASE("the range of a run of unwanted sums is at most a share of 2^-sigma of its masks") {
  for (const unsigned mask_bits : {0U, 1U, 7U, 40U}) {
    for (const std::int64_t bound : {1, 7, 8, 1000, 65535, 65536}) {
      for (const std::size_t outputs : {1U, 2U, 3U, 10U}) {
        for (const std::size_t a_slot : {1U, 2U, 3U}) {
          if (a_slot > outputs) continue;
          const Certificate model = certificate(bound, 1, mask_bits);
          const LayoutShape shape = shaped(5, outputs, a_slot, 1, model);
          const SlotLayout layout(shape, model, 4096);
          Integer worst = 0;
          for (std::size_t slot = 0; slot < 4; ++slot) {
            for (std::size_t u = 0; u < a_slot; ++u) {
              worst += Integer(2 * bound * (shape.answer_slots() > 1 ? 2 : 1))
                       << static_cast<unsigned>(slot * shape.slot_bits + u * layout.answer_bits());
            }
          }
          const Integer masks = (Integer(1) << static_cast<unsigned>(layout.run_bits())) - worst;
          CHECK((worst << mask_bits) <= masks);
        }
      }
    }
  }
}

TEST_CASE("as many images as fit, with 40 bits by which damage is found") {
  // 2·bound + 1 = 2^20 − 1 of 2^20 values a slot: the 40 bits have to come from elsewhere.
  CHECK(SlotLayout::batch(certificate(524287, 255), 2048).images() ==
        100);  // 100·20 + 40 ≤ 2046 < 101·20 + 40
  CHECK(SlotLayout::batch(certificate(524287, 255), 2040).images() == 99);
  CHECK(SlotLayout::batch(certificate(524287, 255), 2042).images() == 100);
  // Half of the values of every slot are in use only.
  CHECK(SlotLayout::batch(certificate(524288, 255), 2048).images() == 97);  // 97·21 = 2037
  CHECK(SlotLayout::batch(certificate(524287, 255), 3072).images() == 151);
  CHECK(SlotLayout::plain(certificate(524287, 255), 2048).images() == 1);
  // 23 slots of 56 bits an image: 36 fit, and one image takes 23 of them.
  CHECK(SlotLayout::most_images({12, 1, 1, 1, 0}, certificate(30000, 15), 2048) == 1);
  CHECK(SlotLayout::most_images({6, 1, 1, 1, 0}, certificate(30000, 15), 2048) == 3);
  CHECK(SlotLayout::most_images({12, 2, 1, 1, 0}, certificate(30000, 15), 2048) == 1);
  CHECK(SlotLayout::most_images({13, 2, 1, 1, 0}, certificate(30000, 15), 2048) == 0);
}

TEST_CASE("of all numbers at most a share of 2^-40 passes for a reply") {
  for (const std::int64_t bound : {0, 1, 3, 4, 1000, 524287}) {
    for (const std::size_t outputs : {1U, 2U, 5U}) {
      for (const std::size_t key_bits : {300U, 1024U, 2048U}) {
        const Certificate model = certificate(bound, 0);
        const LayoutShape shape{1, outputs, 1, 1, 0};
        const std::size_t images = SlotLayout::most_images(shape, model, key_bits);
        CAPTURE(bound, outputs, key_bits, images);
        REQUIRE(images > 0);
        const auto answers = static_cast<unsigned>(images * outputs);
        const Integer passing = boost::multiprecision::pow(Integer(2 * bound + 1), answers);
        CHECK((passing << 40) <= Integer(1) << static_cast<unsigned>(key_bits - 2));
      }
    }
  }
}

TEST_CASE("a key that cannot hold one image is refused, one bit more is enough") {
  for (const std::int64_t bound : {std::int64_t{0}, std::int64_t{1}, std::int64_t{1000}, kTwoTo62 - 1}) {
    const Certificate model = certificate(bound, 1);
    std::size_t key_bits = 0;
    while (SlotLayout::most_images({}, model, key_bits) == 0) ++key_bits;
    CAPTURE(bound, key_bits);
    CHECK(key_bits >= width({}, model) + 2);
    CHECK(SlotLayout::batch(model, key_bits).images() >= 1);
    CHECK(SlotLayout::plain(model, key_bits).images() == 1);
    for (const std::size_t less : {std::size_t{0}, std::size_t{1}, std::size_t{2}, key_bits - 1}) {
      CHECK(kind_of([&] { SlotLayout::batch(model, less); }) == ErrorKind::does_not_fit);
      CHECK(kind_of([&] { SlotLayout::plain(model, less); }) == ErrorKind::does_not_fit);
    }
  }
}

TEST_CASE("certificates out of range make no sense") {
  for (const std::int64_t wrong : {std::int64_t{-1}, kTwoTo62, std::numeric_limits<std::int64_t>::max(),
                                   std::numeric_limits<std::int64_t>::min()}) {
    CAPTURE(wrong);
    CHECK(kind_of([&] { SlotLayout::batch(certificate(wrong, 1), 2048); }) == ErrorKind::invalid_argument);
    CHECK(kind_of([&] { SlotLayout::batch(certificate(1, wrong), 2048); }) == ErrorKind::invalid_argument);
    CHECK(kind_of([&] { SlotLayout::plain(certificate(wrong, 1), 2048); }) == ErrorKind::invalid_argument);
  }
  CHECK(kind_of([&] { SlotLayout::plain(certificate(1, 1, 129), 2048); }) == ErrorKind::invalid_argument);
  CHECK(kind_of([&] { SlotLayout::plain({0, 1, 1, 1, 40}, 2048); }) == ErrorKind::invalid_argument);
  CHECK(kind_of([&] { SlotLayout::plain({1, 0, 1, 1, 40}, 2048); }) == ErrorKind::invalid_argument);
}

TEST_CASE("of received layouts only those of the certificate are granted") {
  const Certificate model = certificate(1000, 255);
  const auto granted = [&](const LayoutShape& shape) {
    return !kind_of([&] { SlotLayout(shape, model, 1024); });
  };
  const std::size_t most = SlotLayout::batch(model, 1024).images();
  REQUIRE(most == 89);
  for (std::size_t images = 1; images <= most; ++images) CHECK(granted({1, 1, 1, images, 11}));
  CHECK(granted({4, 1, 1, 2, 51}));
  CHECK(granted({3, 2, 1, 2, 52}));
  CHECK(granted({1, 10, 10, 8, 110}));
  constexpr std::size_t kHuge = std::numeric_limits<std::size_t>::max();
  const LayoutShape refused[] = {
      {1, 1, 1, 0, 11},         {1, 1, 1, 90, 11},    {1, 1, 1, 1, 10},
      {1, 1, 1, 1, 12},         {1, 1, 1, 93, 11},    {1, 1, 1, 1, 0},
      {0, 1, 1, 1, 11},         {1, 0, 1, 1, 11},     {1, 1, 0, 1, 11},
      {1, 1, 2, 1, 22},         {1, 11, 1, 1, 11},    {4, 1, 1, 3, 51},
      {4, 1, 1, 1, 50},         {4, 1, 1, 1, 11},     {4, 1, 1, 1, 52},
      {785, 1, 1, 1, 51},       {kHuge, 1, 1, 1, 51}, {1, kHuge, 1, 1, 11},
      {1, kHuge, kHuge, 1, 11}, {1, 1, 1, kHuge, 11}, {1, 1, 1, 1, std::numeric_limits<unsigned>::max()}};
  for (const LayoutShape& shape : refused) {
    CAPTURE(shape.features, shape.outputs, shape.outputs_a_slot, shape.images, shape.slot_bits);
    CHECK(kind_of([&] { SlotLayout(shape, model, 1024); }) == ErrorKind::does_not_fit);
  }
}
