#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace opaline {

/// Deals samples out to folds of nearly one size for cross-validation, each label's samples as evenly as
/// possible; by chance otherwise, which the seed decides. Gives the fold of each sample, 0 … folds − 1.
/// Error(invalid_argument) unless there are 2 folds or more and as many samples.
std::vector<std::size_t> stratified_folds(std::span<const std::uint16_t> labels, std::size_t folds,
                                          std::uint64_t seed);

/// Holds a share of the samples back, of each label's samples the same share as nearly as possible. Gives
/// whether each sample is held back. Error(invalid_argument) unless some are and some are not.
std::vector<bool> stratified_share(std::span<const std::uint16_t> labels, double share, std::uint64_t seed);

}  // namespace opaline
