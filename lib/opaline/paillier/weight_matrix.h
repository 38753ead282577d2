#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace opaline {

/// An outputs × inputs matrix of small integers, row by row, not owned.
struct WeightMatrix {
  std::size_t outputs = 0;
  std::size_t inputs = 0;
  std::span<const std::int32_t> values;
  unsigned bits = 0;  ///< sign included: every |weight| < 2^(bits−1); 2 … 24
};

/// How a matrix is applied to ciphertexts, `lanes` of them side by side: compiled once, used for every query.
/// Input row·lanes + lane stands in that lane of that row. |w| is cut into digits, and what they cost in
/// products, which depends on the shape and the bit width only, chooses between
///  - buckets: for each output and digit, inputs are multiplied into the bucket of their digit (Pippenger
///    1976);
///  - powers: tables of small powers of all inputs, which all outputs read (Straus 1964).
class MatrixSchedule {
 public:
  /// Error(invalid_argument) for an empty matrix, one whose values are not as many as its shape says, and a
  /// weight that does not fit the bits. Copies what it needs.
  MatrixSchedule(const WeightMatrix& matrix, std::size_t lanes);

  enum class Method { buckets, powers };

  /// Tables of powers are kept below this many elements.
  static constexpr std::size_t kMostPowers = std::size_t{1} << 13;

  std::size_t outputs() const { return outputs_; }
  std::size_t inputs() const { return inputs_; }
  std::size_t lanes() const { return lanes_; }
  std::size_t rows() const { return rows_; }
  Method method() const { return method_; }
  unsigned digit_bits() const { return digit_bits_; }
  std::size_t digits() const { return digits_; }
  std::size_t products() const { return products_; }  ///< of elements, tables included, squares too

  /// Which of the powers of its input an output multiplies by at a digit, lane by lane: a row's table is the
  /// ciphertext's powers 0 … 2^digit_bits − 1 and then the inverse's. For buckets the digit alone is the
  /// bucket's number, and `signs` are 1 where the weight is negative.
  std::span<const std::uint32_t> indices(std::size_t output, std::size_t digit, std::size_t row) const {
    return std::span(indices_).subspan(((output * digits_ + digit) * rows_ + row) * lanes_, lanes_);
  }
  std::span<const std::uint32_t> signs(std::size_t output, std::size_t row) const {
    return std::span(signs_).subspan((output * rows_ + row) * lanes_, lanes_);
  }

 private:
  void choose(unsigned bits);

  std::size_t outputs_;
  std::size_t inputs_;
  std::size_t lanes_;
  std::size_t rows_;
  Method method_ = Method::buckets;
  unsigned digit_bits_ = 1;
  std::size_t digits_ = 1;
  std::size_t products_ = 0;
  std::vector<std::uint32_t> indices_;
  std::vector<std::uint32_t> signs_;
};

}  // namespace opaline
