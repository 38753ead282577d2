#pragma once

#include <cstddef>
#include <vector>

namespace opaline {

/// The largest map that is handled.
inline constexpr std::size_t kMostInputs = std::size_t{1} << 20;
inline constexpr std::size_t kMostOutputs = std::size_t{1} << 12;
inline constexpr std::size_t kMostWeights = std::size_t{1} << 26;

/// y = W x + b in double precision: what a network of identity activations is.
struct AffineMap {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::vector<double> weights;  ///< outputs × inputs, row by row
  std::vector<double> bias;     ///< one an output

  /// W x + b. x has `inputs` numbers.
  std::vector<double> operator()(const std::vector<double>& x) const;
};

}  // namespace opaline
