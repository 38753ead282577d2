#include "opaline/model/onnx/node.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/model/onnx/advice.h"
#include "opaline/model/onnx/backward.h"
#include "opaline/model/onnx/quoted.h"

namespace opaline::network {

std::string title_of(const onnx::NodeProto& node, std::size_t position) {
  std::string output;
  for (const std::string& name : node.output()) output = output.empty() ? name : output;
  return "node " + (node.name().empty() ? std::to_string(position) : quoted(node.name())) + " (operator " +
         quoted(node.op_type()) + ", output " + quoted(output) + ")";
}

Constant Node::constant(std::size_t i) const {
  const Constant* constant = input<Constant>(i);
  return constant == nullptr ? nullptr : *constant;
}

Node Node::with_first_input(Value value) const {
  Node other = *this;
  other.inputs_.at(0) = std::move(value);
  return other;
}

const Variable& Node::need_variable(std::size_t i) const {
  const Variable* found = variable(i);
  if (found == nullptr) {
    refuse("input " + std::to_string(i) +
           " is missing or does not depend on the network's input; export with constant folding");
  }
  return *found;
}

Constant Node::need_numbers(std::size_t i) const {
  Constant found = constant(i);
  if (!found || !std::holds_alternative<std::vector<double>>(found->values)) {
    refuse(
        "input " + std::to_string(i) +
        " has to be a constant of float or double; what several tensors that depend on the network's input "
        "make together is not affine; " +
        kInsteadOfProducts);
  }
  return found;
}

const std::vector<std::int64_t>& Node::need_integers(std::size_t i) const {
  const Constant* found = input<Constant>(i);
  const auto* integers =
      found == nullptr ? nullptr : std::get_if<std::vector<std::int64_t>>(&(*found)->values);
  if (integers == nullptr || (*found)->shape.size() > 1) {
    refuse("input " + std::to_string(i) +
           " has to be a constant row of whole numbers; it must not depend on the network's input");
  }
  return *integers;
}

const Shape& Node::need_shape(std::size_t i) const {
  if (const Variable* x = variable(i)) return x->shape;
  if (const Constant* constant = input<Constant>(i)) return (*constant)->shape;
  refuse("input " + std::to_string(i) + " is missing");
}

const onnx::AttributeProto* Node::attribute(std::string_view name) const {
  for (const auto& attribute : node_->attribute()) {
    if (attribute.name() == name) return &attribute;
  }
  return nullptr;
}

std::int64_t Node::integer(std::string_view name, std::int64_t otherwise) const {
  const onnx::AttributeProto* found = attribute(name);
  if (found == nullptr) return otherwise;
  if (!found->has_i()) refuse("the attribute " + quoted(name) + " has to be a whole number");
  return found->i();
}

double Node::number(std::string_view name, double otherwise) const {
  const onnx::AttributeProto* found = attribute(name);
  if (found == nullptr) return otherwise;
  if (!found->has_f() || !std::isfinite(found->f())) {
    refuse("the attribute " + quoted(name) + " has to be a finite number");
  }
  return static_cast<double>(found->f());
}

std::string Node::text(std::string_view name, const std::string& otherwise) const {
  const onnx::AttributeProto* found = attribute(name);
  if (found == nullptr) return otherwise;
  if (!found->has_s()) refuse("the attribute " + quoted(name) + " has to be a text");
  return found->s();
}

std::optional<std::vector<std::int64_t>> Node::integers(std::string_view name) const {
  const onnx::AttributeProto* found = attribute(name);
  if (found == nullptr) return std::nullopt;
  if (found->has_type() && found->type() != onnx::AttributeProto::INTS) {
    refuse("the attribute " + quoted(name) + " has to be a list of whole numbers");
  }
  return std::vector<std::int64_t>(found->ints().begin(), found->ints().end());
}

std::vector<double> Node::numbers(std::string_view name) const {
  const onnx::AttributeProto* found = attribute(name);
  if (found == nullptr) return {};
  std::vector<double> values(found->floats().begin(), found->floats().end());
  if ((found->has_type() && found->type() != onnx::AttributeProto::FLOATS) ||
      !std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); })) {
    refuse("the attribute " + quoted(name) + " has to be a list of finite numbers");
  }
  return values;
}

std::vector<std::string> Node::texts(std::string_view name) const {
  const onnx::AttributeProto* found = attribute(name);
  if (found == nullptr) return {};
  if (found->has_type() && found->type() != onnx::AttributeProto::STRINGS) {
    refuse("the attribute " + quoted(name) + " has to be a list of texts");
  }
  return {found->strings().begin(), found->strings().end()};
}

std::optional<std::vector<std::int64_t>> Node::list(std::string_view name, std::size_t i,
                                                    std::int64_t since) const {
  const bool is_input = opset() >= since;
  if (is_input ? attribute(name) != nullptr : has_input(i)) {
    refuse(quoted(name) + " is an " + (is_input ? "input" : "attribute") + " in operator set " +
           std::to_string(opset()) + "; export the network again");
  }
  if (!is_input) return integers(name);
  if (!has_input(i)) return std::nullopt;
  return need_integers(i);
}

std::size_t Node::axis(std::int64_t given, std::size_t rank) const {
  const auto count = static_cast<std::int64_t>(rank);
  if (given < -count || given >= count) {
    refuse("its axis " + std::to_string(given) + " does not exist in a tensor of " + std::to_string(rank) +
           " dimensions");
  }
  return static_cast<std::size_t>(given < 0 ? given + count : given);
}

std::vector<bool> Node::axes(const std::vector<std::int64_t>& given, std::size_t rank) const {
  std::vector<bool> chosen(rank, false);
  for (const std::int64_t each : given) {
    const std::size_t at = axis(each, rank);
    if (chosen[at]) refuse("names its axis " + std::to_string(each) + " twice");
    chosen[at] = true;
  }
  return chosen;
}

Shape Node::checked(Shape shape) const {
  if (shape.size() > kMostDimensions) {
    refuse("makes a tensor of " + std::to_string(shape.size()) + " dimensions, at most " +
           std::to_string(kMostDimensions) + " are supported");
  }
  const std::uint64_t count = product(shape);
  if (count == 0) refuse("makes a tensor of shape " + to_string(shape) + ", which has no elements");
  if (count > kMostElements) refuse("makes a tensor of shape " + to_string(shape) + ", which is too large");
  return shape;
}

void Node::refuse(const std::string& why) const {
  throw Error(ErrorKind::unsupported_model, title() + ": " + why);
}

Constant make_constant(Shape shape, std::vector<double> values) {
  return std::make_shared<const Tensor>(Tensor{std::move(shape), std::move(values)});
}

}  // namespace opaline::network
