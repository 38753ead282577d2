#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "opaline/model/affine_map.h"
#include "opaline/model/quantise.h"

namespace opaline {

/// An affine map rounded to integers: score k = (weights · q + bias + offset) · scale, where input j of the
/// map is lowest_j + step_j · q_j.
struct RoundedMap {
  std::vector<std::int32_t> weights;  ///< outputs × inputs, |weight| < 2^(bits − 1)
  std::vector<std::int64_t> bias;     ///< one an output; |bias| < 2^62
  std::vector<double> scales;         ///< one, or one an output
  std::int64_t offset = 0;            ///< where a slot becomes narrower by it
  std::vector<double> error_bounds;   ///< |score − map's score| for inputs within their ranges, by output
};

/// How weights are rounded.
struct WeightRounding {
  unsigned bits = 8;  ///< 2 … 24, sign included
  WeightScales scales = WeightScales::global;
  std::optional<unsigned> slot_bits;  ///< QuantisationOptions::slot_bits
};

/// Weights are rounded to nearest with their input's step, on the largest scale that keeps to the widths;
/// what the ranges begin with goes into the bias. Error(does_not_fit) if a bias is too large beside its
/// weights or answers cannot be made narrow enough.
RoundedMap round_map(const AffineMap& map, const InputEncoding& encoding, const WeightRounding& rounding);

}  // namespace opaline
