#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "opaline/bigint/integer.h"
#include "opaline/packing/slot_layout.h"
#include "opaline/paillier/weight_matrix.h"

namespace opaline {

/// An affine map y = W·x + b as a layout wants it: what a server evaluates.
class PackedMap {
 public:
  /// `weights` are outputs × inputs, row by row, each below 2^(weight_bits−1) in magnitude, and must be those
  /// the layout's certificate is about; so must `bias`. Error(invalid_argument) if they are not so many.
  PackedMap(const SlotLayout& layout, std::span<const std::int32_t> weights, unsigned weight_bits,
            std::span<const std::int64_t> bias);

  const SlotLayout& layout() const { return layout_; }

  /// From the ciphertexts of a query to its replies. Refers to this object.
  WeightMatrix matrix() const;

  /// What is added to each reply: biases, what makes every answer and every unwanted sum non-negative, and
  /// for every run of unwanted sums a fresh uniform mask: from all numbers with which the run does not reach
  /// the answer above it, of which it moves over at most a share of 2^−σ.
  std::vector<Integer> constants() const;

 private:
  /// A run of unwanted sums of a reply, whatever the inputs: `lowest` + [0, range].
  struct Run {
    Integer lowest;
    Integer range;
  };

  Run run_of(std::size_t reply, std::size_t run, const std::vector<std::int64_t>& negative,
             const std::vector<std::int64_t>& positive) const;

  SlotLayout layout_;
  unsigned weight_bits_;
  std::vector<std::size_t> shifts_;
  std::vector<std::int32_t> values_;
  std::vector<std::uint8_t> present_;  ///< whether a reply has the answer of that place
  std::vector<Integer> offsets_;       ///< of every reply, without masks
  std::vector<Integer> mask_limits_;   ///< of every run of every reply
};

}  // namespace opaline
