#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace opaline {

/// What the cost of a matrix depends on: nothing but this.
struct MatrixShape {
  std::size_t outputs = 0;
  std::size_t inputs = 0;
  std::size_t positions = 1;  ///< weights of one output for one input, each at its own power of two
  std::size_t span = 0;       ///< the highest of these powers
  unsigned bits = 0;          ///< sign included: every |weight| < 2^(bits−1); 2 … 24
  std::size_t absent = 0;     ///< of the outputs·positions rows of weights, those left out

  std::size_t rows() const { return outputs * positions - absent; }

  friend bool operator==(const MatrixShape&, const MatrixShape&) = default;
};

/// Small integers times powers of two, not owned:
///     y_k = Σ_p 2^shifts[p] · Σ_j values[(k·shifts.size() + p)·inputs + j] · x_j
struct WeightMatrix {
  static constexpr std::size_t kUnshifted[1] = {0};

  std::size_t outputs = 0;
  std::size_t inputs = 0;
  std::span<const std::int32_t> values;
  unsigned bits = 0;                                 ///< as in MatrixShape
  std::span<const std::size_t> shifts = kUnshifted;  ///< ascending, below 2^16; a plain matrix has only 0

  /// Of every output and position, 0 if its weights are left out, as if they were zero, and nothing is to be
  /// calculated for them; empty if there are all. That is known to everybody, as the shape is.
  std::span<const std::uint8_t> present = {};

  MatrixShape shape() const;
};

/// Operations on whole elements, lanes full or not.
struct Operations {
  std::size_t products = 0;
  std::size_t squares = 0;
};

/// How a matrix is applied: weights are made non-negative by adding 2^(bits−1), which one inverse takes back
/// for all, and cut into digits; a table holds the products of a few inputs to every power that their digits
/// can ask for, and each digit of each output multiplies one entry a table (Straus 1964); Horner's rule puts
/// the digits together. How many inputs share a table and how wide digits are is chosen by counting.
class MatrixPlan {
 public:
  /// Error(invalid_argument) for a shape out of its ranges.
  MatrixPlan(const MatrixShape& shape, std::size_t lanes);

  /// Bits of an index into a table.
  static constexpr unsigned kMostIndexBits = 8;

  const MatrixShape& shape() const { return shape_; }
  std::size_t lanes() const { return lanes_; }
  std::size_t group() const { return group_; }  ///< inputs that share a table
  unsigned digit_bits() const { return digit_bits_; }
  std::size_t groups() const { return (shape_.inputs + group_ - 1) / group_; }
  std::size_t digits() const { return (shape_.bits + digit_bits_ - 1) / digit_bits_; }
  std::size_t entries() const { return std::size_t{1} << (group_ * digit_bits_); }
  std::size_t results() const { return shape_.rows() * digits(); }

  /// What is done one after the other (MatrixProduct) for that many queries at once: how many numbers are
  /// worked out, lanes of them at a time, and what an element of them takes.
  struct Stages {
    std::size_t tables = 0;
    Operations table;
    std::size_t digits = 0;
    Operations digit;
    Operations correction;  ///< a single task, beside the digits
    std::size_t outputs = 0;
    Operations output;
  };
  Stages stages(std::size_t queries) const;

  /// All of them.
  Operations operations(std::size_t queries) const;

 private:
  MatrixShape shape_;
  std::size_t lanes_;
  std::size_t group_ = 1;
  unsigned digit_bits_ = 1;
};

/// A matrix, compiled once and used for every query.
class MatrixSchedule {
 public:
  /// Error(invalid_argument) for an empty matrix, one whose values are not as many as its shape says, and a
  /// weight that does not fit the bits. Copies what it needs.
  MatrixSchedule(const WeightMatrix& matrix, std::size_t lanes);

  const MatrixPlan& plan() const { return plan_; }
  std::size_t outputs() const { return plan_.shape().outputs; }
  std::size_t inputs() const { return plan_.shape().inputs; }
  std::span<const std::size_t> shifts() const { return shifts_; }

  /// Which row of weights stands at a position of an output: rows that are present are numbered in order.
  std::optional<std::size_t> row(std::size_t output, std::size_t position) const {
    const std::size_t row = rows_[output * shifts_.size() + position];
    return row == kAbsent ? std::nullopt : std::optional(row);
  }

  /// The table entries, one a group of inputs, whose product is a digit of a row: results are numbered
  /// row·digits + digit.
  std::span<const std::uint8_t> entries_of(std::size_t result) const {
    return std::span(entries_).subspan(result * plan_.groups(), plan_.groups());
  }

 private:
  static constexpr std::size_t kAbsent = ~std::size_t{0};

  MatrixPlan plan_;
  std::vector<std::size_t> shifts_;
  std::vector<std::size_t> rows_;
  std::vector<std::uint8_t> entries_;
};

}  // namespace opaline
