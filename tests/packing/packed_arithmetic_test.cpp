// Packed numbers calculate as the numbers themselves do, up to the very bound and whatever their neighbours:
// every layout of small size, without encryption, against the sums in the clear.

#include <catch2/catch.hpp>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include "opaline/packing/packed_map.h"
#include "small_model.h"
#include "support/error_kind.h"
#include "support/packed_integers.h"

using namespace opaline;
using namespace opaline::test;

namespace {

constexpr std::size_t kKeyBits = 512;

std::int64_t pick(std::mt19937_64& random, std::int64_t lowest, std::int64_t highest) {
  return lowest + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(highest - lowest + 1));
}

}  // namespace

TEST_CASE("every layout of every small model gives the exact answers for extreme weights and inputs") {
  std::mt19937_64 random(1);
  std::size_t layouts = 0;
  for (const std::size_t inputs : {1U, 2U, 3U, 5U}) {
    for (const std::size_t outputs : {1U, 2U, 3U}) {
      for (const Extremes extremes :
           {Extremes::positive, Extremes::negative, Extremes::mixed, Extremes::sparse}) {
        const SmallModel model = extreme_model(random, inputs, outputs, extremes);
        for (const unsigned mask_bits : {0U, 8U, 40U}) {
          for (const LayoutShape& shape : all_shapes(model.certificate(mask_bits), kKeyBits)) {
            const SlotLayout layout(shape, model.certificate(mask_bits), kKeyBits);
            CAPTURE(inputs, outputs, mask_bits, shape.features, shape.outputs, shape.outputs_a_slot,
                    shape.images, shape.slot_bits);
            const std::vector<std::vector<std::int64_t>> images =
                extreme_images(random, inputs, model.input_maximum, layout.images());
            REQUIRE(evaluate_packed(model, layout, images) == model.answers(images));
            ++layouts;
          }
        }
      }
    }
  }
  CHECK(layouts > 2000);
}

TEST_CASE("layouts of a model of real proportions are exact") {
  std::mt19937_64 random(2);
  SmallModel model;
  model.inputs = 100;
  model.outputs = 7;
  model.input_maximum = 15;
  for (std::size_t i = 0; i < 700; ++i)
    model.weights.push_back(static_cast<std::int32_t>(pick(random, -31, 31)));
  for (std::size_t k = 0; k < 7; ++k) model.bias.push_back(pick(random, -1000, 1000));
  const Certificate certificate = model.certificate(40);
  std::size_t tried = 0;
  for (const std::size_t t : {1U, 2U, 7U, 10U, 11U, 13U, 100U}) {
    for (const std::size_t outputs : {1U, 2U, 3U, 7U}) {
      for (const std::size_t a_slot : {1U, 2U, 3U, 7U}) {
        if (a_slot > outputs) continue;
        LayoutShape shape{t, outputs, a_slot, 1, 0};
        shape.slot_bits = SlotLayout::slot_bits(shape, certificate);
        const std::size_t most = SlotLayout::most_images(shape, certificate, 2048);
        if (most == 0) continue;
        shape.images = 1 + random() % most;
        const SlotLayout layout(shape, certificate, 2048);
        std::vector<std::vector<std::int64_t>> images(layout.images());
        for (auto& image : images) {
          for (std::size_t j = 0; j < model.inputs; ++j) image.push_back(pick(random, 0, 15));
        }
        CAPTURE(t, outputs, a_slot, shape.images);
        CHECK(evaluate_packed(model, layout, images) == model.answers(images));
        ++tried;
      }
    }
  }
  CHECK(tried > 20);
}

TEST_CASE("missing images are zero and do not disturb the others") {
  std::mt19937_64 random(3);
  const SmallModel model = extreme_model(random, 4, 2, Extremes::mixed);
  const Certificate certificate = model.certificate(8);
  LayoutShape shape{2, 2, 1, 3, 0};
  shape.slot_bits = SlotLayout::slot_bits(shape, certificate);
  const SlotLayout layout(shape, certificate, kKeyBits);
  const auto images = extreme_images(random, 4, model.input_maximum, 3);
  for (std::size_t count = 0; count <= 3; ++count) {
    const std::vector<std::vector<std::int64_t>> some(images.begin(),
                                                      images.begin() + static_cast<std::ptrdiff_t>(count));
    CHECK(evaluate_packed(model, layout, some) == model.answers(some));
  }
}

TEST_CASE("inputs outside their range and too many of them are refused") {
  const Certificate certificate{2, 1, 15, 5, 40};
  const SlotLayout layout = SlotLayout::batch(certificate, 64);
  REQUIRE(layout.images() > 2);
  const auto pack = [&](const std::vector<std::vector<std::int64_t>>& images) {
    return kind_of([&] { pack_integer(layout, 0, images); });
  };
  CHECK_FALSE(pack({{15, 0}, {0, 0}}));
  CHECK(pack({{0, 0}, {16, 0}}) == ErrorKind::out_of_range);
  CHECK(pack({{-1, 0}}) == ErrorKind::out_of_range);
  CHECK(pack({{0}}) == ErrorKind::invalid_argument);
  CHECK(pack({{0, 0, 0}}) == ErrorKind::invalid_argument);
  CHECK(pack(std::vector<std::vector<std::int64_t>>(layout.images() + 1, {0, 0})) ==
        ErrorKind::invalid_argument);
  CHECK(kind_of([&] {
          pack_integer(layout, 2, std::vector<std::vector<std::int64_t>>{{0, 0}});
        }) == ErrorKind::invalid_argument);
}

TEST_CASE("the first value outside a range is found, at both its ends and at those of 64 bits") {
  constexpr std::int64_t kLargest = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t maximum : {std::int64_t{0}, std::int64_t{15}, (std::int64_t{1} << 62) - 1}) {
    std::vector<std::int64_t> values = {0, maximum, maximum / 2, maximum, 0};
    CHECK_FALSE(find_outside(values, maximum));
    CHECK_FALSE(find_outside({}, maximum));
    for (const std::int64_t bad : {std::int64_t{-1}, maximum + 1, kLargest, -kLargest - 1, -maximum - 1}) {
      for (std::size_t place = values.size(); place-- > 0;) {
        values[place] = bad;
        CHECK(find_outside(values, maximum) == place);
      }
      values = {0, maximum, maximum / 2, maximum, 0};
    }
  }
}

TEST_CASE("a plaintext is written over whatever stood there, and not into less room than it needs") {
  const SlotLayout layout = SlotLayout::batch({2, 1, 15, 50, 40}, 512);
  REQUIRE(layout.words() > 1);
  const std::vector<std::vector<std::int64_t>> images(layout.images(), {9, 4});
  WordVector clean(16);
  WordVector used(16, ~Word{0});
  layout.pack(clean, 1, images);
  layout.pack(used, 1, images);
  CHECK(clean == used);
  CHECK(from_words(clean) == pack_integer(layout, 1, images));
  WordVector little(layout.words() - 1);
  CHECK(kind_of([&] { layout.pack(little, 1, images); }) == ErrorKind::invalid_argument);
  CHECK(kind_of([&] { layout.unpack(0, little, 1); }) == ErrorKind::invalid_argument);
}

TEST_CASE("a map of another size than the layout's model is refused") {
  const SlotLayout layout = SlotLayout::plain({2, 1, 15, 50, 40}, 128);
  const std::vector<std::int32_t> weights = {1, 2, 3};
  const std::vector<std::int64_t> bias = {0, 0};
  const auto refused = [&](std::size_t of_weights, std::size_t of_bias) {
    return kind_of([&] {
             PackedMap(layout, std::span(weights).first(of_weights), 6, std::span(bias).first(of_bias));
           }) == ErrorKind::invalid_argument;
  };
  CHECK_FALSE(refused(2, 1));
  CHECK(refused(3, 1));
  CHECK(refused(1, 1));
  CHECK(refused(2, 2));
}

TEST_CASE("the widest answers, of 63 bits, are exact") {
  const std::int64_t bound = (std::int64_t{1} << 62) - 1;
  SmallModel model;
  model.inputs = 1;
  model.outputs = 2;
  model.input_maximum = bound;
  model.weights = {1, -1};
  model.bias = {0, 0};
  for (const std::size_t a_slot : {1U, 2U}) {
    LayoutShape shape{1, 2, a_slot, 4, 0};
    shape.slot_bits = SlotLayout::slot_bits(shape, model.certificate(40));
    const SlotLayout layout(shape, model.certificate(40), 1024);
    const std::vector<std::vector<std::int64_t>> images = {{0}, {bound}, {bound - 1}, {bound}};
    CHECK(evaluate_packed(model, layout, images) == model.answers(images));
  }
}
