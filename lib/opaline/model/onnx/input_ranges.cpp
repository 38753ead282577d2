#include "opaline/model/onnx/input_ranges.h"

#include <cmath>
#include <string>

#include "opaline/model/onnx/walk.h"

namespace opaline::network {
namespace {

/// One number an element of the input; none if the constant is spread in another way.
std::vector<double> spread(const Node& node, std::size_t inputs) {
  const Variable* x = node.variable(0);
  const Constant constant = node.constant(1);
  if (x == nullptr || !constant || element_count(x->shape) != inputs) return {};
  if (broadcast_shape(x->shape, constant->shape) != x->shape) return {};
  const auto* numbers = std::get_if<std::vector<double>>(&constant->values);
  if (numbers == nullptr) return {};
  std::vector<double> values(inputs);
  const Strides from = broadcast(constant->shape, x->shape);
  walk(x->shape, in_order(x->shape), from, from, [&](const Position& at) {
    values[static_cast<std::size_t>(at[0])] = (*numbers)[static_cast<std::size_t>(at[1])];
  });
  return values;
}

std::vector<double> attribute(const Node& node, const char* name, std::size_t inputs) {
  std::vector<double> values = node.numbers(name);
  if (values.size() == 1) values.assign(inputs, values[0]);
  return values;
}

std::vector<double> inverses(std::vector<double> values) {
  for (double& value : values) value = 1.0 / value;
  return values;
}

std::vector<InputRange> around(const std::vector<double>& means, const std::vector<double>& deviations,
                               std::size_t inputs) {
  constexpr double kDeviations = 6.0;
  std::vector<InputRange> ranges;
  if (means.size() != inputs || deviations.size() != inputs) return ranges;
  for (std::size_t i = 0; i < inputs; ++i) {
    const double width = kDeviations * std::abs(deviations[i]);
    if (!std::isfinite(width) || width == 0.0) return {};
    ranges.push_back({means[i] - width, means[i] + width});
  }
  return ranges;
}

}  // namespace

std::vector<InputRange> standardised_ranges(std::span<const Node> first_nodes, std::size_t inputs) {
  if (first_nodes.empty()) return {};
  const Node& first = first_nodes[0];
  if (first.type() == "Scaler") {
    return around(attribute(first, "offset", inputs), inverses(attribute(first, "scale", inputs)), inputs);
  }
  if (first.type() != "Sub" || first_nodes.size() < 2) return {};
  const Node& second = first_nodes[1];
  if (second.type() == "Div") return around(spread(first, inputs), spread(second, inputs), inputs);
  if (second.type() == "Mul") return around(spread(first, inputs), inverses(spread(second, inputs)), inputs);
  return {};
}

}  // namespace opaline::network
