#include "opaline/model/rounded_map.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <utility>

#include "opaline/base/error.h"

namespace opaline {
namespace {

constexpr double kBiasLimit = 0x1p61;  // leaves room for the offset

/// Everything but the offset and the bound, with weights up to `top`.
RoundedMap round_numbers(const AffineMap& map, const InputEncoding& encoding, double top,
                         WeightScales scales) {
  const auto length = [&](std::size_t j) { return encoding.range(j).highest - encoding.range(j).lowest; };
  std::vector<double> largest(map.outputs, 0.0);
  for (std::size_t k = 0; k < map.outputs; ++k) {
    for (std::size_t j = 0; j < map.inputs; ++j) {
      largest[k] = std::max(largest[k], std::abs(map.weights[k * map.inputs + j]) * length(j));
    }
  }
  if (scales == WeightScales::global) {
    largest.assign(map.outputs, *std::max_element(largest.begin(), largest.end()));
  }

  RoundedMap rounded;
  rounded.weights.reserve(map.weights.size());
  for (std::size_t k = 0; k < map.outputs; ++k) {
    const double weight_step = largest[k] > 0.0 ? largest[k] / top : 1.0;
    const double scale = weight_step / static_cast<double>(encoding.maximum());
    const double* row = map.weights.data() + k * map.inputs;
    double bias = map.bias[k];
    for (std::size_t j = 0; j < map.inputs; ++j) {
      rounded.weights.push_back(static_cast<std::int32_t>(std::lround(row[j] * length(j) / weight_step)));
      bias += row[j] * encoding.range(j).lowest;
    }
    bias /= scale;
    if (!(std::abs(bias) < kBiasLimit)) {
      throw Error(ErrorKind::does_not_fit, "the bias of output " + std::to_string(k) +
                                               " is too large beside the weights to be an integer");
    }
    rounded.bias.push_back(std::llround(bias));
    if (k == 0 || scales == WeightScales::per_output) rounded.scales.push_back(scale);
  }
  return rounded;
}

/// Fewest bits that hold every number from −bound to bound.
unsigned slot_bits(std::int64_t bound) {
  return static_cast<unsigned>(std::bit_width(2 * static_cast<std::uint64_t>(bound)));
}

/// The middle between the lowest and the highest answer there can be goes to the client, if slots become
/// narrower. Gives the bound of the answers.
std::int64_t take_offset(const AffineMap& map, const InputEncoding& encoding, RoundedMap& rounded) {
  std::int64_t lowest = 0;
  std::int64_t highest = 0;
  for (std::size_t k = 0; k < map.outputs; ++k) {
    std::int64_t negative = 0;
    std::int64_t positive = 0;
    for (std::size_t j = 0; j < map.inputs; ++j) {
      const std::int32_t weight = rounded.weights[k * map.inputs + j];
      (weight < 0 ? negative : positive) += weight;
    }
    const std::int64_t low = negative * encoding.maximum() + rounded.bias[k];
    const std::int64_t high = positive * encoding.maximum() + rounded.bias[k];
    lowest = k == 0 ? low : std::min(lowest, low);
    highest = k == 0 ? high : std::max(highest, high);
  }
  const std::int64_t middle = lowest + (highest - lowest) / 2;
  const std::int64_t without = std::max({-lowest, highest, std::int64_t{0}});
  const std::int64_t with = std::max(middle - lowest, highest - middle);
  if (slot_bits(with) >= slot_bits(without)) return without;
  rounded.offset = middle;
  for (std::int64_t& bias : rounded.bias) bias -= middle;
  return with;
}

/// How far scores can be from the map's, whatever the inputs within their ranges: the integer inputs miss the
/// real ones by half a step, the integer weights theirs by what they were rounded, and so does the bias.
std::vector<double> error_bounds(const AffineMap& map, const InputEncoding& encoding,
                                 const RoundedMap& rounded) {
  const auto most = static_cast<double>(encoding.maximum());
  std::vector<double> bounds;
  for (std::size_t k = 0; k < map.outputs; ++k) {
    const double scale = rounded.scales[rounded.scales.size() == 1 ? 0 : k];
    double by_inputs = 0.0;
    double above = 0.0;
    double below = 0.0;
    for (std::size_t j = 0; j < map.inputs; ++j) {
      const double exact = map.weights[k * map.inputs + j] * encoding.step(j);
      const double missed = exact - rounded.weights[k * map.inputs + j] * scale;
      by_inputs += std::abs(exact) / 2;
      (missed < 0 ? below : above) += std::abs(missed) * most;
    }
    const double rounding = 1 + 1e-9;  // of these sums
    bounds.push_back((by_inputs + std::max(above, below) + scale / 2) * rounding);
  }
  return bounds;
}

}  // namespace

RoundedMap round_map(const AffineMap& map, const InputEncoding& encoding, const WeightRounding& rounding) {
  struct Attempt {
    RoundedMap rounded;
    std::int64_t bound;
  };
  const auto attempt = [&](double top) {
    RoundedMap rounded = round_numbers(map, encoding, top, rounding.scales);
    rounded.error_bounds = error_bounds(map, encoding, rounded);
    const std::int64_t bound = take_offset(map, encoding, rounded);
    return Attempt{std::move(rounded), bound};
  };
  double top = std::ldexp(1.0, static_cast<int>(rounding.bits) - 1) - 1.0;
  Attempt best = attempt(top);
  if (!rounding.slot_bits) return std::move(best.rounded);
  // Answers are nearly proportional to the largest weight: a few steps down find where they are narrow
  // enough, and a few up what they overshot.
  const double widest = std::ldexp(1.0, static_cast<int>(*rounding.slot_bits) - 1) - 1.0;
  const double limit = top;
  while (slot_bits(best.bound) > *rounding.slot_bits) {
    top = std::min(top - 1.0, std::floor(top * widest / static_cast<double>(best.bound)));
    if (top < 1.0) {
      throw Error(ErrorKind::does_not_fit, "no weights are small enough for slots of " +
                                               std::to_string(*rounding.slot_bits) +
                                               " bits; allow more, or fewer input bits");
    }
    best = attempt(top);
  }
  while (top < limit) {
    Attempt next = attempt(top + 1.0);
    if (slot_bits(next.bound) > *rounding.slot_bits) break;
    best = std::move(next);
    top += 1.0;
  }
  return std::move(best.rounded);
}

}  // namespace opaline
