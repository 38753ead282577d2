#include "opaline/paillier/weight_matrix.h"

#include <algorithm>
#include <limits>
#include <string>

#include "opaline/base/error.h"

namespace opaline {
namespace {

void check(const WeightMatrix& matrix) {
  if (matrix.bits < 2 || matrix.bits > 24 || matrix.values.size() != matrix.outputs * matrix.inputs ||
      matrix.inputs == 0 || matrix.outputs == 0) {
    throw Error(ErrorKind::invalid_argument, "the weight matrix does not fit the shape it is given");
  }
  const std::int32_t limit = std::int32_t{1} << (matrix.bits - 1);
  if (std::any_of(matrix.values.begin(), matrix.values.end(),
                  [limit](std::int32_t weight) { return weight >= limit || weight <= -limit; })) {
    throw Error(ErrorKind::invalid_argument,
                "a weight does not fit its " + std::to_string(matrix.bits) + " bits");
  }
}

}  // namespace

MatrixSchedule::MatrixSchedule(const WeightMatrix& matrix, std::size_t lanes)
    : outputs_(matrix.outputs),
      inputs_(matrix.inputs),
      lanes_(lanes),
      rows_((matrix.inputs + lanes - 1) / lanes) {
  check(matrix);
  choose(matrix.bits - 1);
  indices_.resize(outputs_ * digits_ * rows_ * lanes_);
  signs_.resize(outputs_ * rows_ * lanes_);
  const std::uint32_t powers = std::uint32_t{1} << digit_bits_;
  for (std::size_t output = 0; output < outputs_; ++output) {
    for (std::size_t input = 0; input < inputs_; ++input) {
      const std::int32_t weight = matrix.values[output * inputs_ + input];
      const auto magnitude = static_cast<std::uint32_t>(weight < 0 ? -weight : weight);
      const std::uint32_t sign = weight < 0 ? 1U : 0U;
      signs_[output * rows_ * lanes_ + input] = sign;
      for (std::size_t digit = 0; digit < digits_; ++digit) {
        const std::uint32_t value = (magnitude >> (digit * digit_bits_)) & (powers - 1);
        indices_[(output * digits_ + digit) * rows_ * lanes_ + input] =
            method_ == Method::powers ? value + sign * powers : value;
      }
    }
  }
}

void MatrixSchedule::choose(unsigned bits) {
  products_ = std::numeric_limits<std::size_t>::max();
  const auto consider = [&](Method method, unsigned width, std::size_t digits, std::size_t products) {
    if (products >= products_) return;
    method_ = method;
    digit_bits_ = width;
    digits_ = digits;
    products_ = products;
  };
  for (unsigned width = 1; width <= std::min(bits, 12U); ++width) {
    const std::size_t digits = (bits + width - 1) / width;
    const std::size_t powers = std::size_t{1} << width;
    consider(Method::buckets, width, digits, outputs_ * digits * (rows_ + 2 * powers + width));
    if (2 * rows_ * powers <= kMostPowers) {
      consider(Method::powers, width, digits, 2 * rows_ * (powers - 2) + outputs_ * digits * (rows_ + width));
    }
  }
}

}  // namespace opaline
