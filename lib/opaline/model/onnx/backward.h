#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "opaline/model/onnx/value.h"
#include "opaline/model/onnx/walk.h"

/// The second half of a collapse: from the network's output, which is the identity of itself, back to the
/// input, every tensor in turn is given the matrix by which the output depends on it,
///     output = M · tensor + offset.
/// M stays as narrow as the network has outputs, which is far cheaper than carrying each tensor as a function
/// of the input. No operator's own matrix is ever stored: it is visited, entry by entry.
namespace opaline::network {

inline constexpr std::size_t kMostEntries = std::size_t{1} << 26;     ///< of all matrices held at one time
inline constexpr std::uint64_t kMostVisits = std::uint64_t{1} << 36;  ///< entries visited × outputs
inline constexpr std::size_t kMostElements = std::size_t{1} << 26;    ///< of one tensor

/// How the outputs depend on one tensor, element by element.
struct Matrix {
  std::size_t outputs = 0;
  std::vector<double> entries;  ///< elements × outputs

  const double* row(std::size_t element) const { return entries.data() + element * outputs; }
  double* row(std::size_t element) { return entries.data() + element * outputs; }
};

/// What a backward pass adds up: the terms of every sum, or their absolute values. With the latter, M ·
/// |tensor| + offset is the size of what the outputs are the difference of, and bounds their rounding
/// (Higham, Accuracy and Stability of Numerical Algorithms, section 3.5).
enum class Terms { as_they_are, absolute };

/// What the backward pass has gathered so far.
class BackwardPass {
 public:
  /// `variables` tensors; the one called `output` (of `outputs` elements) gets the identity.
  BackwardPass(std::size_t variables, std::size_t output, std::size_t outputs, Terms terms);

  std::size_t outputs() const { return offset_.size(); }

  /// sum[k] += coefficient · of[k] for every output k.
  void add_multiple(double* sum, double coefficient, const double* of) const {
    const double factor = terms_ == Terms::absolute ? std::abs(coefficient) : coefficient;
    for (std::size_t k = 0; k < offset_.size(); ++k) sum[k] += factor * of[k];
  }

  /// The matrix of a tensor as gathered so far, to be added to. Error(unsupported_model) if all held together
  /// would be too large.
  Matrix& gathered(const Variable& x);

  /// One number an output, to be added to.
  std::vector<double>& offset() { return offset_; }

  /// The matrix gathered for a tensor, which is given up; nothing if the output does not depend on it.
  std::optional<Matrix> take(std::size_t id);

  /// What `take` gave is not held any more.
  void release(const Matrix& taken) { entries_ -= taken.entries.size(); }

 private:
  std::vector<std::optional<Matrix>> matrices_;
  std::vector<double> offset_;
  Terms terms_;
  std::size_t entries_ = 0;
};

/// One thing a node does: adds one of its inputs, through a matrix, or a constant to its output. Run
/// backwards it turns the matrix of the output into a summand of that of the input, or of the offset.
struct Step {
  std::uint64_t entries = 0;  ///< of the matrix
  std::function<void(const Matrix& output, BackwardPass& pass)> run;
};

/// A number, times an element of a constant if there is one.
struct Coefficient {
  double number = 1.0;
  Constant values = nullptr;
  Strides at = {};
};

/// For every index of `shape`: output[to] += coefficient · x[from].
Step variable_step(Shape shape, Strides to, Variable x, Strides from, Coefficient coefficient = {});

/// For every index of `shape`: output[to] += coefficient.
Step constant_step(Shape shape, Strides to, Coefficient coefficient);

/// A step of any other form: visit(emit) calls emit(output element, x element, coefficient) `entries` times.
template <typename Visit>
Step visiting_step(std::uint64_t entries, Variable x, Visit visit) {
  return {entries, [x = std::move(x), visit = std::move(visit)](const Matrix& output, BackwardPass& pass) {
            Matrix& sum = pass.gathered(x);
            visit([&](std::size_t to, std::size_t from, double coefficient) {
              pass.add_multiple(sum.row(from), coefficient, output.row(to));
            });
          }};
}

/// The product of the dimensions, or the largest number if that is beyond it.
std::uint64_t product(const Shape& shape);

}  // namespace opaline::network
