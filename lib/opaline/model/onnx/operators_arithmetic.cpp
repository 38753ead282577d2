#include <algorithm>
#include <cmath>
#include <functional>
#include <utility>

#include "opaline/model/onnx/advice.h"
#include "opaline/model/onnx/operators.h"

/// Element by element, with broadcasting, and sums over axes.
namespace opaline::network {
namespace {

/// The shape that all inputs broadcast to.
Shape common_shape(const Node& node) {
  Shape shape;
  for (std::size_t i = 0; i < node.inputs(); ++i) {
    const Shape& other = node.need_shape(i);
    std::optional<Shape> both = broadcast_shape(shape, other);
    if (!both) {
      node.refuse("its inputs of shapes " + to_string(shape) + " and " + to_string(other) +
                  " cannot be spread over each other");
    }
    shape = *std::move(both);
  }
  return node.checked(std::move(shape));
}

/// Σ factor(i) · input i.
Values weighted_sum(const Node& node, ForwardPass& pass, const std::function<double(std::size_t)>& factor) {
  const Shape shape = common_shape(node);
  std::vector<Step> steps;
  for (std::size_t i = 0; i < node.inputs(); ++i) {
    const Strides from = broadcast(node.need_shape(i), shape);
    if (const Variable* x = node.variable(i)) {
      steps.push_back(variable_step(shape, in_order(shape), *x, from, {factor(i)}));
    } else {
      steps.push_back(constant_step(shape, in_order(shape), {factor(i), node.need_numbers(i), from}));
    }
  }
  return {pass.make(node, shape, std::move(steps))};
}

Values sum(const Node& node, ForwardPass& pass) {
  return weighted_sum(node, pass, [](std::size_t) { return 1.0; });
}

Values difference(const Node& node, ForwardPass& pass) {
  return weighted_sum(node, pass, [](std::size_t i) { return i == 0 ? 1.0 : -1.0; });
}

Values mean(const Node& node, ForwardPass& pass) {
  const double share = 1.0 / static_cast<double>(node.inputs());
  return weighted_sum(node, pass, [share](std::size_t) { return share; });
}

Values negative(const Node& node, ForwardPass& pass) {
  return weighted_sum(node, pass, [](std::size_t) { return -1.0; });
}

/// x of input `i`, times factors that broadcast with it.
Values scaled(const Node& node, ForwardPass& pass, std::size_t i, const Constant& factors) {
  const Variable& x = node.need_variable(i);
  const Shape shape = common_shape(node);
  return {pass.make(node, shape,
                    {variable_step(shape, in_order(shape), x, broadcast(x.shape, shape),
                                   {1.0, factors, broadcast(factors->shape, shape)})})};
}

Values multiply(const Node& node, ForwardPass& pass) {
  const std::size_t at = node.variable(0) != nullptr ? 0 : 1;
  return scaled(node, pass, at, node.need_numbers(1 - at));
}

Values divide(const Node& node, ForwardPass& pass) {
  if (node.constant(0)) {
    node.refuse(std::string("dividing by the network's input is not affine; ") + kInsteadOfProducts);
  }
  const Constant divisor = node.need_numbers(1);
  pass.keep(node, numbers_of(*divisor).size());
  std::vector<double> factors = numbers_of(*divisor);
  if (std::find(factors.begin(), factors.end(), 0.0) != factors.end()) {
    node.refuse("divides by zero; leave out inputs that never vary before training");
  }
  for (double& factor : factors) factor = 1.0 / factor;
  return scaled(node, pass, 0, make_constant(divisor->shape, std::move(factors)));
}

// Over axes.

Values add_up(const Node& node, ForwardPass& pass, const std::vector<bool>& over, bool keep, bool average) {
  const Variable& x = node.need_variable(0);
  Shape kept = x.shape;
  Shape shape;
  std::size_t terms = 1;
  for (std::size_t i = 0; i < over.size(); ++i) {
    if (over[i]) terms *= std::exchange(kept[i], 1);
    if (!over[i] || keep) shape.push_back(kept[i]);
  }
  const double factor = average ? 1.0 / static_cast<double>(terms) : 1.0;
  return {pass.make(node, shape,
                    {variable_step(x.shape, broadcast(kept, x.shape), x, in_order(x.shape), {factor})})};
}

enum class Reduction { sum, mean };

Values reduce(const Node& node, ForwardPass& pass, Reduction reduction) {
  const Variable& x = node.need_variable(0);
  const std::int64_t since = reduction == Reduction::mean ? 18 : 13;
  const std::vector<std::int64_t> given = node.list("axes", 1, since).value_or(std::vector<std::int64_t>{});
  std::vector<bool> over = node.axes(given, x.shape.size());
  if (given.empty() && !node.is_set("noop_with_empty_axes")) over.assign(over.size(), true);
  return add_up(node, pass, over, node.integer("keepdims", 1) != 0, reduction == Reduction::mean);
}

Values reduce_sum(const Node& node, ForwardPass& pass) { return reduce(node, pass, Reduction::sum); }
Values reduce_mean(const Node& node, ForwardPass& pass) { return reduce(node, pass, Reduction::mean); }

Values global_average(const Node& node, ForwardPass& pass) {
  const std::size_t rank = node.need_variable(0).shape.size();
  if (rank < 3) node.refuse("takes a tensor of images and channels, then rows, columns, …");
  std::vector<bool> over(rank, true);
  over[0] = over[1] = false;
  return add_up(node, pass, over, true, true);
}

Values batch_normalisation(const Node& node, ForwardPass& pass) {
  const Variable& x = node.need_variable(0);
  bool trains = node.is_set("training_mode");
  for (int i = 1; i < node.proto().output_size(); ++i) trains = trains || !node.proto().output(i).empty();
  if (trains) node.refuse("is in training mode; export the network for inference");
  if (x.shape.size() < 2) node.refuse("takes a tensor of images and channels");
  if (node.integer("spatial", 1) == 0 && x.shape.size() > 2) {
    node.refuse("spatial = 0 is not supported; export with operator set 9 or later");
  }
  std::vector<std::vector<double>> of_channel;  // scale, shift, mean, variance
  for (std::size_t i = 1; i < 5; ++i) {
    const Constant values = node.need_numbers(i);
    if (values->shape != Shape{x.shape[1]}) {
      node.refuse("input " + std::to_string(i) + " has to have a number for each of " +
                  std::to_string(x.shape[1]) + " channels");
    }
    of_channel.push_back(numbers_of(*values));
  }
  const double epsilon = node.number("epsilon", static_cast<double>(1e-5F));
  pass.keep(node, 2 * x.shape[1]);
  std::vector<double> factors(x.shape[1]);
  std::vector<double> centres(x.shape[1]);
  for (std::size_t c = 0; c < factors.size(); ++c) {
    const double variance = of_channel[3][c] + epsilon;
    if (!(variance > 0.0)) node.refuse("has a variance that is not positive");
    factors[c] = of_channel[0][c] / std::sqrt(variance);
    centres[c] = factors[c] * of_channel[2][c];
  }
  Strides by_channel{0, std::vector<std::ptrdiff_t>(x.shape.size(), 0)};
  by_channel.steps[1] = 1;
  const Strides all = in_order(x.shape);
  const Shape channels = {x.shape[1]};
  return {pass.make(
      node, x.shape,
      {variable_step(x.shape, all, x, all, {1.0, make_constant(channels, std::move(factors)), by_channel}),
       constant_step(x.shape, all, {-1.0, make_constant(channels, std::move(centres)), by_channel}),
       constant_step(x.shape, all, {1.0, node.need_numbers(2), by_channel})})};
}

/// Element by element, where the condition holds input 1, elsewhere input 2.
Values where(const Node& node, ForwardPass& pass) {
  const Constant condition = node.constant(0);
  const auto* holds = condition ? std::get_if<std::vector<std::int64_t>>(&condition->values) : nullptr;
  if (holds == nullptr) node.refuse("is not affine if the condition depends on the network's input");
  const Shape shape = common_shape(node);
  const Strides all = in_order(shape);
  const Strides chooses = broadcast(condition->shape, shape);
  std::vector<Step> steps;
  for (std::size_t i = 1; i < 3; ++i) {
    pass.keep(node, holds->size());
    std::vector<double> factors;
    for (const std::int64_t each : *holds) factors.push_back((each != 0) == (i == 1) ? 1.0 : 0.0);
    const Strides from = broadcast(node.need_shape(i), shape);
    if (const Variable* x = node.variable(i)) {
      steps.push_back(
          variable_step(shape, all, *x, from, {1.0, make_constant(condition->shape, factors), chooses}));
    } else {
      const std::vector<double>& values = numbers_of(*node.need_numbers(i));
      pass.keep(node, element_count(shape));
      std::vector<double> chosen(element_count(shape));
      walk(shape, all, chooses, from, [&](const Position& at) {
        chosen[static_cast<std::size_t>(at[0])] =
            factors[static_cast<std::size_t>(at[1])] * values[static_cast<std::size_t>(at[2])];
      });
      steps.push_back(constant_step(shape, all, {1.0, make_constant(shape, std::move(chosen)), all}));
    }
  }
  return {pass.make(node, shape, std::move(steps))};
}

}  // namespace

const std::vector<Operator>& arithmetic_operators() {
  static const std::vector<Operator> kTable = {
      {"Add", 2, 2, {}, sum},
      {"BatchNormalization", 5, 5, {"epsilon", "momentum", "spatial", "training_mode"}, batch_normalisation},
      {"Div", 2, 2, {}, divide},
      {"GlobalAveragePool", 1, 1, {}, global_average},
      {"Mean", 1, kAnyNumber, {}, mean},
      {"Mul", 2, 2, {}, multiply},
      {"Neg", 1, 1, {}, negative},
      {"ReduceMean", 1, 2, {"axes", "keepdims", "noop_with_empty_axes"}, reduce_mean},
      {"ReduceSum", 1, 2, {"axes", "keepdims", "noop_with_empty_axes"}, reduce_sum},
      {"Sub", 2, 2, {}, difference},
      {"Sum", 1, kAnyNumber, {}, sum},
      {"Where", 3, 3, {}, where},
  };
  return kTable;
}

}  // namespace opaline::network
