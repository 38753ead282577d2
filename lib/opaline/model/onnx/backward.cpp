#include "opaline/model/onnx/backward.h"

#include <limits>
#include <utility>

#include "opaline/base/error.h"

namespace opaline::network {
namespace {

const double* values_of(const Coefficient& coefficient) {
  static constexpr double kOne = 1.0;
  return coefficient.values ? std::get<std::vector<double>>(coefficient.values->values).data() : &kOne;
}

/// Where the constant of a coefficient is read: always the same place if there is none.
Strides place_of(const Coefficient& coefficient, const Shape& shape) {
  return coefficient.values ? coefficient.at : Strides{0, std::vector<std::ptrdiff_t>(shape.size(), 0)};
}

}  // namespace

BackwardPass::BackwardPass(std::size_t variables, std::size_t output, std::size_t outputs, Terms terms)
    : matrices_(variables), offset_(outputs, 0.0), terms_(terms) {
  Matrix& identity = gathered({output, {outputs}});
  for (std::size_t k = 0; k < outputs; ++k) identity.row(k)[k] = 1.0;
}

Matrix& BackwardPass::gathered(const Variable& x) {
  std::optional<Matrix>& matrix = matrices_[x.id];
  if (!matrix) {
    const std::size_t elements = element_count(x.shape);
    if (elements > (kMostEntries - entries_) / outputs()) {
      throw Error(ErrorKind::unsupported_model, "collapsing the network would take more than " +
                                                    std::to_string(kMostEntries * sizeof(double) >> 20) +
                                                    " MiB; it is too large");
    }
    entries_ += elements * outputs();
    matrix = Matrix{outputs(), std::vector<double>(elements * outputs(), 0.0)};
  }
  return *matrix;
}

std::optional<Matrix> BackwardPass::take(std::size_t id) {
  return std::exchange(matrices_[id], std::nullopt);
}

Step variable_step(Shape shape, Strides to, Variable x, Strides from, Coefficient coefficient) {
  const std::uint64_t entries = product(shape);
  return {entries, [=](const Matrix& output, BackwardPass& pass) {
            Matrix& sum = pass.gathered(x);
            const double* values = values_of(coefficient);
            walk(shape, to, from, place_of(coefficient, shape), [&](const Position& at) {
              pass.add_multiple(sum.row(static_cast<std::size_t>(at[1])), coefficient.number * values[at[2]],
                                output.row(static_cast<std::size_t>(at[0])));
            });
          }};
}

Step constant_step(Shape shape, Strides to, Coefficient coefficient) {
  const std::uint64_t entries = product(shape);
  return {entries, [=](const Matrix& output, BackwardPass& pass) {
            double* sum = pass.offset().data();
            const double* values = values_of(coefficient);
            const Strides place = place_of(coefficient, shape);
            walk(shape, to, place, place, [&](const Position& at) {
              pass.add_multiple(sum, coefficient.number * values[at[1]],
                                output.row(static_cast<std::size_t>(at[0])));
            });
          }};
}

std::uint64_t product(const Shape& shape) {
  std::uint64_t count = 1;
  for (const std::size_t size : shape) {
    if (size == 0) return 0;
    count = count > std::numeric_limits<std::uint64_t>::max() / size
                ? std::numeric_limits<std::uint64_t>::max()
                : count * size;
  }
  return count;
}

}  // namespace opaline::network
