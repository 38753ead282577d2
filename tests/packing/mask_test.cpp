// Masks: uniform, never in the way of an answer, and hiding what they cover.

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <random>
#include <set>
#include <vector>

#include "small_model.h"

using namespace opaline;
using namespace opaline::test;

namespace {

SlotLayout layout_of(LayoutShape shape, const Certificate& certificate) {
  shape.slot_bits = SlotLayout::slot_bits(shape, certificate);
  return {shape, certificate, 2048};
}

Integer run_value(const SlotLayout& layout, const Integer& plaintext, std::size_t image, std::size_t run) {
  return (plaintext >> static_cast<unsigned>(layout.run_bit(image, run))) &
         ((Integer(1) << static_cast<unsigned>(layout.run_bits())) - 1);
}

/// χ² of counts against a uniform distribution, as a distance from its mean in standard deviations.
template <std::size_t N>
double deviation(const std::array<std::size_t, N>& counts, std::size_t total) {
  const double expected = static_cast<double>(total) / N;
  double sum = 0;
  for (const std::size_t count : counts) {
    sum += (static_cast<double>(count) - expected) * (static_cast<double>(count) - expected) / expected;
  }
  return (sum - (N - 1)) / std::sqrt(2.0 * (N - 1));
}

SmallModel two_by_six(std::vector<std::int32_t> weights) {
  SmallModel model;
  model.inputs = 6;
  model.outputs = 2;
  model.input_maximum = 3;
  model.weights = std::move(weights);
  model.bias = {0, 0};
  return model;
}

}  // namespace

TEST_CASE("masked runs are uniform: their top bits and every byte, and never alike twice") {
  std::mt19937_64 random(5);
  const SmallModel model = extreme_model(random, 6, 2, Extremes::mixed);
  const SlotLayout layout = layout_of({3, 2, 1, 2, 0}, model.certificate(40));
  const PackedMap map(layout, model.weights, 6, model.bias);
  const auto images = extreme_images(random, 6, 3, 2);
  constexpr std::size_t kRounds = 4096;
  std::array<std::size_t, 16> top{};
  std::array<std::size_t, 16> low{};
  std::set<Integer> seen;
  std::size_t runs = 0;
  for (std::size_t round = 0; round < kRounds; ++round) {
    const Integer plaintext = reply_plaintexts(map, images).front();
    for (std::size_t image = 0; image < 2; ++image) {
      for (std::size_t run = 0; run < layout.runs(); ++run) {
        const Integer value = run_value(layout, plaintext, image, run);
        CHECK(seen.insert(value).second);
        ++top.at(static_cast<std::size_t>(value >> static_cast<unsigned>(layout.run_bits() - 4)));
        ++low.at(static_cast<std::size_t>(value & 15));
        ++runs;
      }
    }
  }
  REQUIRE(layout.runs() == 3);
  CHECK(std::abs(deviation(top, runs)) < 6);
  CHECK(std::abs(deviation(low, runs)) < 6);
}

TEST_CASE("a mask never reaches the answer above it, at the ends of its range and of the inputs") {
  // Without σ the masks are few, and their ends are met; all inputs at either end make sums meet theirs.
  for (const Extremes extremes :
       {Extremes::positive, Extremes::negative, Extremes::mixed, Extremes::sparse}) {
    std::mt19937_64 random(6);
    const SmallModel model = extreme_model(random, 2, 2, extremes);
    for (const std::size_t a_slot : {1U, 2U}) {
      const SlotLayout layout = layout_of({2, 2, a_slot, 2, 0}, model.certificate(0));
      for (const auto& images : std::vector<std::vector<std::vector<std::int64_t>>>{
               {{3, 3}, {0, 0}}, {{0, 3}, {3, 0}}, {{3, 0}, {3, 3}}}) {
        for (int round = 0; round < 300; ++round) {
          REQUIRE(evaluate_packed(model, layout, images) == model.answers(images));
        }
      }
    }
  }
}

TEST_CASE("models with equal answers and different unwanted sums cannot be told apart") {
  // On the input (1, 0, 0, 1, 0, 0) the answers are equal, but the sums beside them are far apart.
  const SmallModel first = two_by_six({2, 7, 7, 3, 7, 7, 1, -7, -7, 2, -7, -7});
  const SmallModel second = two_by_six({2, -7, -7, 3, -7, -7, 1, 7, 7, 2, 7, 7});
  const std::vector<std::vector<std::int64_t>> images = {{1, 0, 0, 1, 0, 0}};
  REQUIRE(first.answers(images) == second.answers(images));
  Certificate certificate = first.certificate(40);
  certificate.bound = std::max(certificate.bound, second.certificate(40).bound);

  constexpr std::size_t kRounds = 16384;
  const auto bits_set = [&](const SmallModel& model, unsigned mask_bits) {
    Certificate masked = certificate;
    masked.mask_bits = mask_bits;
    const SlotLayout layout = layout_of({3, 1, 1, 1, 0}, masked);
    const PackedMap map(layout, model.weights, 6, model.bias);
    std::vector<std::size_t> counts(layout.runs() * layout.run_bits());
    for (std::size_t round = 0; round < kRounds; ++round) {
      const Integer plaintext = reply_plaintexts(map, images).front();
      for (std::size_t run = 0; run < layout.runs(); ++run) {
        const Integer value = run_value(layout, plaintext, 0, run);
        for (std::size_t bit = 0; bit < layout.run_bits(); ++bit) {
          if (bit_test(value, static_cast<unsigned>(bit))) ++counts[run * layout.run_bits() + bit];
        }
      }
    }
    return counts;
  };
  // Every bit of every run is as often set in one as in the other, but for chance.
  const double six_deviations = 6 * std::sqrt(kRounds / 2.0);
  const auto far_apart = [&](unsigned mask_bits) {
    const std::vector<std::size_t> x = bits_set(first, mask_bits);
    const std::vector<std::size_t> y = bits_set(second, mask_bits);
    double largest = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      largest = std::max(largest, std::abs(static_cast<double>(x[i]) - static_cast<double>(y[i])));
    }
    return largest > six_deviations;
  };
  CHECK_FALSE(far_apart(40));
  CHECK(far_apart(0));  // the test can tell them apart where nothing hides them
}
