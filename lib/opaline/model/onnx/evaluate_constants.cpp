#include <algorithm>
#include <array>
#include <cmath>

#include "opaline/model/onnx/evaluate_call.h"

/// Operators that make tensors out of nothing, or out of shapes.
namespace opaline::network::evaluation {
namespace {

/// Exactly one of the attributes holds the value.
Outputs constant(const Call& call) {
  constexpr std::array kForms{"value", "value_float", "value_floats", "value_int", "value_ints"};
  const auto given =
      std::count_if(kForms.begin(), kForms.end(), [&](const char* name) { return call.has_attribute(name); });
  if (given != 1) call.damaged("it has to have exactly one value, of numbers");
  if (std::optional<Tensor> value = call.tensor("value")) return one(std::move(*value));
  if (call.has_attribute("value_float")) return one({{}, Numbers{call.number("value_float", 0.0)}});
  if (call.has_attribute("value_int")) return one({{}, Integers{call.integer("value_int", 0)}});
  Tensor row;
  if (auto numbers = call.number_list("value_floats")) {
    row = {{numbers->size()}, std::move(*numbers)};
  } else if (auto integers = call.integer_list("value_ints")) {
    row = {{integers->size()}, std::move(*integers)};
  }
  static_cast<void>(call.count(row.shape));
  return one(std::move(row));
}

Outputs constant_of_shape(const Call& call) {
  const Shape shape = call.shape(call.row(0));
  const Tensor value = call.tensor("value").value_or(Tensor{{1}, Numbers{0.0}});
  if (element_count(value.shape) != 1) call.damaged("its value has to be one number");
  const std::size_t count = call.count(shape);
  call.work({count});
  return std::visit(
      [&](const auto& values) {
        return one({shape, std::decay_t<decltype(values)>(count, values[0])});
      },
      value.values);
}

/// Dimensions [start, end), each counted from the end if negative and then clamped.
Outputs shape(const Call& call) {
  if (call.opset() < 15 && (call.has_attribute("start") || call.has_attribute("end"))) {
    call.damaged("operator set " + std::to_string(call.opset()) + " knows no start and end");
  }
  const Shape& of = call.input(0).shape;
  const std::int64_t rank = to_signed(of.size());
  const auto clamped = [&](std::int64_t axis) {
    return std::clamp(axis < 0 ? axis + rank : axis, std::int64_t{0}, rank);
  };
  const std::int64_t start = clamped(call.integer("start", 0));
  const std::int64_t end = clamped(call.integer("end", rank));
  Integers sizes;
  for (std::int64_t axis = start; axis < end; ++axis) sizes.push_back(to_signed(of[to_size(axis)]));
  const std::size_t length = sizes.size();
  return one({{length}, std::move(sizes)});
}

Outputs size(const Call& call) { return one({{}, Integers{to_signed(element_count(call.input(0).shape))}}); }

/// How many numbers from start in steps of delta lie before limit.
std::size_t steps(const Call& call, double start, double limit, double delta) {
  const double count = std::max(std::ceil((limit - start) / delta), 0.0);
  if (!(count <= static_cast<double>(kMostElements))) call.refuse("it has too many elements");
  return static_cast<std::size_t>(count);
}

std::size_t steps(const Call& call, std::int64_t start, std::int64_t limit, std::int64_t delta) {
  if (delta == 0) call.refuse("its delta is zero");
  if (delta > 0 ? start >= limit : start <= limit) return 0;
  // In unsigned arithmetic, where no distance between two int64 overflows.
  const auto low = static_cast<std::uint64_t>(delta > 0 ? start : limit);
  const auto high = static_cast<std::uint64_t>(delta > 0 ? limit : start);
  const std::uint64_t step =
      delta > 0 ? static_cast<std::uint64_t>(delta) : -static_cast<std::uint64_t>(delta);
  const std::uint64_t count = (high - low - 1) / step + 1;
  if (count > kMostElements) call.refuse("it has too many elements");
  return count;
}

double step_at(double start, std::size_t i, double delta) { return start + static_cast<double>(i) * delta; }

std::int64_t step_at(std::int64_t start, std::size_t i, std::int64_t delta) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(start) + i * static_cast<std::uint64_t>(delta));
}

Outputs range(const Call& call) {
  for (std::size_t i = 0; i < 3; ++i) {
    if (element_count(call.input(i).shape) != 1) call.refuse("start, limit and delta have to be scalars");
  }
  return std::visit(
      [&](const auto& start) {
        using Values = std::decay_t<decltype(start)>;
        const auto* const limit = std::get_if<Values>(&call.input(1).values);
        const auto* const delta = std::get_if<Values>(&call.input(2).values);
        if (limit == nullptr || delta == nullptr) call.refuse("its inputs are of different element types");
        const std::size_t count = steps(call, start[0], (*limit)[0], (*delta)[0]);
        Values values(count);
        for (std::size_t i = 0; i < count; ++i) values[i] = step_at(start[0], i, (*delta)[0]);
        return one({{count}, std::move(values)});
      },
      call.input(0).values);
}

}  // namespace

const std::vector<Operator>& constant_operators() {
  static const std::vector<Operator> table{
      {"Constant", 0, 0, {"value", "value_float", "value_floats", "value_int", "value_ints"}, constant},
      {"ConstantOfShape", 1, 1, {"value"}, constant_of_shape},
      {"Shape", 1, 1, {"start", "end"}, shape},
      {"Size", 1, 1, {}, size},
      {"Range", 3, 3, {}, range},
  };
  return table;
}

}  // namespace opaline::network::evaluation
