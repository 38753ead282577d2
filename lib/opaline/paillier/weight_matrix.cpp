#include "opaline/paillier/weight_matrix.h"

#include <algorithm>
#include <limits>
#include <string>

#include "opaline/base/error.h"

namespace opaline {
namespace {

constexpr std::size_t kMostSpan = std::size_t{1} << 16;

const MatrixShape& checked(const MatrixShape& shape) {
  if (shape.bits < 2 || shape.bits > 24 || shape.outputs == 0 || shape.inputs == 0 || shape.positions == 0 ||
      shape.absent >= shape.outputs * shape.positions || shape.span >= kMostSpan) {
    throw Error(ErrorKind::invalid_argument, "no weight matrix can have such a shape");
  }
  return shape;
}

const WeightMatrix& checked(const WeightMatrix& matrix) {
  const bool shifted = !matrix.shifts.empty() && std::is_sorted(matrix.shifts.begin(), matrix.shifts.end()) &&
                       std::adjacent_find(matrix.shifts.begin(), matrix.shifts.end()) == matrix.shifts.end();
  const std::size_t rows = matrix.outputs * matrix.shifts.size();
  if (!shifted || matrix.values.size() != rows * matrix.inputs ||
      (!matrix.present.empty() && matrix.present.size() != rows)) {
    throw Error(ErrorKind::invalid_argument, "the weight matrix does not fit the shape it is given");
  }
  checked(matrix.shape());
  const std::int32_t limit = std::int32_t{1} << (matrix.bits - 1);
  if (std::any_of(matrix.values.begin(), matrix.values.end(),
                  [limit](std::int32_t weight) { return weight >= limit || weight <= -limit; })) {
    throw Error(ErrorKind::invalid_argument,
                "a weight does not fit its " + std::to_string(matrix.bits) + " bits");
  }
  return matrix;
}

}  // namespace

MatrixShape WeightMatrix::shape() const {
  const auto absent = static_cast<std::size_t>(std::count(present.begin(), present.end(), 0));
  return {outputs, inputs, shifts.size(), shifts.empty() ? 0 : shifts.back(), bits, absent};
}

MatrixPlan::MatrixPlan(const MatrixShape& shape, std::size_t lanes) : shape_(checked(shape)), lanes_(lanes) {
  std::size_t best_group = 1;
  unsigned best_bits = 1;
  std::size_t fewest = std::numeric_limits<std::size_t>::max();
  for (digit_bits_ = 1; digit_bits_ <= std::min(shape.bits, kMostIndexBits); ++digit_bits_) {
    for (group_ = 1; group_ * digit_bits_ <= kMostIndexBits && group_ <= shape.inputs; ++group_) {
      const Operations counted = operations(1);
      if (counted.products + counted.squares >= fewest) continue;
      fewest = counted.products + counted.squares;
      best_group = group_;
      best_bits = digit_bits_;
    }
  }
  group_ = best_group;
  digit_bits_ = best_bits;
}

MatrixPlan::Stages MatrixPlan::stages(std::size_t queries) const {
  Stages stages;
  stages.tables = queries * groups();
  stages.table.products = entries() - 1 - group_;
  stages.digits = queries * results();
  stages.digit.products = groups() - 1;
  stages.correction.products = queries * ((groups() + lanes_ - 1) / lanes_ + 3);
  stages.correction.squares = (queries + lanes_ - 1) / lanes_ * (shape_.bits - 1);
  stages.outputs = queries * shape_.outputs;
  stages.output.products = shape_.positions * (digits() + 1) - 1;
  stages.output.squares = shape_.span + (digits() - 1) * digit_bits_;
  return stages;
}

Operations MatrixPlan::operations(std::size_t queries) const {
  const Stages s = stages(queries);
  const auto elements = [&](std::size_t numbers) { return (numbers + lanes_ - 1) / lanes_; };
  return {elements(s.tables) * s.table.products + elements(s.digits) * s.digit.products +
              s.correction.products + elements(s.outputs) * s.output.products,
          s.correction.squares + elements(s.outputs) * s.output.squares};
}

MatrixSchedule::MatrixSchedule(const WeightMatrix& matrix, std::size_t lanes)
    : plan_(checked(matrix).shape(), lanes), shifts_(matrix.shifts.begin(), matrix.shifts.end()) {
  const std::size_t groups = plan_.groups();
  entries_.resize(plan_.results() * groups);
  const std::int32_t offset = std::int32_t{1} << (matrix.bits - 1);
  const std::uint32_t mask = (std::uint32_t{1} << plan_.digit_bits()) - 1;
  std::size_t present = 0;
  for (std::size_t place = 0; place < matrix.outputs * shifts_.size(); ++place) {
    const bool there = matrix.present.empty() || matrix.present[place] != 0;
    rows_.push_back(there ? present++ : kAbsent);
    if (!there) continue;
    const std::size_t row = rows_.back();
    for (std::size_t input = 0; input < matrix.inputs; ++input) {
      auto rest = static_cast<std::uint32_t>(matrix.values[place * matrix.inputs + input] + offset);
      for (std::size_t digit = 0; digit < plan_.digits(); ++digit) {
        const std::uint32_t value = (rest & mask) << (input % plan_.group() * plan_.digit_bits());
        std::uint8_t& entry = entries_[(row * plan_.digits() + digit) * groups + input / plan_.group()];
        entry = static_cast<std::uint8_t>(entry | value);
        rest >>= plan_.digit_bits();
      }
    }
  }
}

}  // namespace opaline
