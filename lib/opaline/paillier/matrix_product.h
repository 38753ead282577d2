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
/// together, under one key or under several. In three stages, one after the other; each is that many tasks,
/// in any order and on any threads. Operations depend on shapes only; addresses on the weights.
class MatrixProduct {
 public:
  /// schedule.inputs() ciphertexts and the arithmetic of their key.
  struct Query {
    const LaneWidths* arithmetic;
    std::span<const Ciphertext> x;
  };

  /// Queries under one key must follow each other, and keys go with each other (LaneWidths). What queries and
  /// schedule refer to must outlive the product.
  MatrixProduct(const MatrixSchedule& schedule, std::vector<Query> queries);

  std::size_t tables() const { return tables_stage_.elements; }
  void make_table(std::size_t task);

  /// Error(invalid_ciphertext) if an input is not a unit.
  std::size_t digits() const { return corrections_runs_.size() + segments_ * blocks_.size(); }
  void make_digits(std::size_t task);

  std::size_t outputs() const { return outputs_stage_.elements; }
  void make_output(std::size_t task);

  /// schedule.outputs() numbers mod n² a query.
  std::vector<Integer> take() { return std::move(values_); }

 private:
  struct Block {
    std::size_t first;
    std::size_t count;
  };

  /// Numbers that are worked out lane beside lane, so many a query.
  struct Stage {
    std::size_t a_query;
    LaneWidth width;
    std::size_t lanes;
    std::size_t elements;

    std::size_t whole() const { return elements * lanes; }  ///< numbers that fill the elements
  };

  Stage stage(std::size_t a_query) const;
  Stage stage(std::size_t a_query, LaneWidth width) const;
  std::vector<const LaneWidths*> lanes_of(const Stage& stage, std::size_t element) const;
  MixedLanes arithmetic(const Stage& stage, std::size_t element) const {
    return {lanes_of(stage, element), stage.width};
  }

  std::vector<Block> cut_corrections() const;
  Word* entry(std::size_t query, std::size_t group, std::size_t index);
  Word* digit(std::size_t segment, std::size_t number) {
    return digits_[segment * digits_stage_.whole() + number];
  }
  void multiply_inputs(std::size_t query, Word* product);
  void make_corrections(const Block& elements);

  const MatrixSchedule& schedule_;
  const MatrixPlan& plan_;
  std::vector<Query> queries_;
  Stage tables_stage_;
  Stage digits_stage_;
  Stage corrections_stage_;
  Stage outputs_stage_;
  std::vector<Block> corrections_runs_;  ///< elements that can be inverted together
  std::size_t number_words_;
  std::vector<Block> blocks_;  ///< elements of digits that are made together
  std::size_t segments_;       ///< the groups are cut into that many parts, for more threads than blocks
  Numbers tables_;
  Numbers digits_;
  Numbers corrections_;  ///< (Π_j x_j)^(−2^(bits−1)) of every query
  std::vector<Integer> values_;
};

}  // namespace opaline
