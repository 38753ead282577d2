#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "opaline/bigint/pair_arithmetic.h"
#include "opaline/paillier/ciphertext.h"
#include "opaline/paillier/lane_widths.h"
#include "opaline/paillier/noise.h"
#include "opaline/paillier/numbers.h"
#include "opaline/paillier/weight_matrix.h"

namespace opaline {

/// Π_j x_j^(w_kj) mod n² for every output k of one or several vectors of inputs, whose numbers fill the lanes
/// together. In three stages, one after the other; each is that many tasks, in any order and on any threads.
/// Operations depend on shapes only; addresses on the weights.
class MatrixProduct {
 public:
  /// `x` holds schedule.inputs() ciphertexts a query; all must outlive the product.
  MatrixProduct(const LaneWidths& arithmetic, const MatrixSchedule& schedule, std::span<const Ciphertext> x);

  std::size_t tables() const { return groups_of(queries() * plan_.groups(), table_arithmetic_.lanes()); }
  void make_table(std::size_t task);

  /// Error(invalid_ciphertext) if an input is not a unit.
  std::size_t digits() const { return 1 + segments_ * blocks_.size(); }
  void make_digits(std::size_t task);

  std::size_t outputs() const { return groups_of(values_.size(), output_arithmetic_.lanes()); }
  void make_output(std::size_t task);

  /// schedule.outputs() numbers mod n² a query.
  std::vector<Integer> take() { return std::move(values_); }

 private:
  struct Block {
    std::size_t first;
    std::size_t count;
  };

  std::size_t queries() const { return x_.size() / plan_.shape().inputs; }
  Word* entry(std::size_t query, std::size_t group, std::size_t index);
  Word* digit(std::size_t segment, std::size_t number) { return digits_[segment * digit_numbers_ + number]; }
  void multiply_inputs(std::size_t query, Word* product);
  void make_corrections();

  const MatrixSchedule& schedule_;
  const MatrixPlan& plan_;
  std::span<const Ciphertext> x_;
  const PairArithmetic& table_arithmetic_;
  const PairArithmetic& digit_arithmetic_;
  const PairArithmetic& output_arithmetic_;
  std::size_t number_words_;
  std::vector<Block> blocks_;  ///< elements of digits that are made together
  std::size_t segments_;       ///< the groups are cut into that many parts, for more threads than blocks
  std::size_t digit_numbers_;  ///< whole elements
  Numbers tables_;
  Numbers digits_;
  Numbers corrections_;  ///< (Π_j x_j)^(−2^(bits−1)) of every query
  std::vector<Integer> values_;
};

}  // namespace opaline
