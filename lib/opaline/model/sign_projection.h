#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace opaline {

/// cos(h·S_k/√inputs + φ_k) for k = 0 … outputs − 1, with signs S_k ∈ {±1}^inputs and phases φ_k ∈ [0, 2π)
/// that follow from a seed: for each k in turn, splitmix64 gives one number a sign (+1 if its lowest bit
/// is 0, −1 if it is 1), then one for the phase (its upper 53 bits over 2^53, times 2π).
class SignProjection {
 public:
  SignProjection(std::size_t inputs, std::size_t outputs, std::uint64_t seed);

  /// `outputs` numbers in [−1, 1]. h has `inputs` numbers.
  std::vector<double> cosines(std::span<const double> h) const;

 private:
  std::size_t inputs_;
  std::vector<double> signs_;  // inputs × outputs, so that sums are made side by side
  std::vector<double> phases_;
};

}  // namespace opaline
