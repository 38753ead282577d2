#include "opaline/model/onnx/evaluate_call.h"

#include <algorithm>

#include "opaline/base/error.h"
#include "opaline/model/onnx/quoted.h"

namespace opaline::network::evaluation {
namespace {

/// Whether the shape keeps to the limits. An empty tensor's other dimensions have to as well, for strides are
/// their products.
bool within_limits(const Shape& shape) {
  if (shape.size() > kMostDimensions) return false;
  std::size_t count = 1;
  for (const std::size_t dimension : shape) {
    if (dimension > kMostElements) return false;
    count *= std::max(dimension, std::size_t{1});
    if (count > kMostElements) return false;
  }
  return true;
}

}  // namespace

bool Budget::spend(std::initializer_list<std::size_t> factors) {
  std::uint64_t product = 1;
  for (const std::size_t factor : factors) {
    if (__builtin_mul_overflow(product, factor, &product)) return false;
  }
  if (product > left_) return false;
  left_ -= product;
  return true;
}

Call::Call(const onnx::NodeProto& node, std::span<const Tensor* const> inputs, const Opsets& opsets,
           Budget& budget)
    : node_(&node), inputs_(inputs), opsets_(opsets), budget_(&budget) {
  for (const Tensor* const input : inputs) {
    if (input != nullptr) static_cast<void>(count(input->shape));
  }
}

const Tensor& Call::input(std::size_t i) const {
  if (!has_input(i)) refuse("it lacks input " + std::to_string(i));
  return *inputs_[i];
}

const Numbers& Call::numbers(std::size_t i) const {
  const auto* const values = std::get_if<Numbers>(&input(i).values);
  if (values == nullptr) refuse("input " + std::to_string(i) + " has to be float or double");
  return *values;
}

const Integers& Call::integers(std::size_t i) const {
  const auto* const values = std::get_if<Integers>(&input(i).values);
  if (values == nullptr) refuse("input " + std::to_string(i) + " has to be of whole numbers");
  return *values;
}

const Integers& Call::row(std::size_t i) const {
  const Integers& values = integers(i);
  if (input(i).shape.size() > 1) refuse("input " + std::to_string(i) + " has to have one dimension");
  return values;
}

std::int64_t Call::integer(std::string_view name, std::int64_t otherwise) const {
  const auto* const attribute = find(name, onnx::AttributeProto::INT);
  return attribute == nullptr ? otherwise : attribute->i();
}

double Call::number(std::string_view name, double otherwise) const {
  const auto* const attribute = find(name, onnx::AttributeProto::FLOAT);
  return attribute == nullptr ? otherwise : double{attribute->f()};
}

std::string Call::text(std::string_view name, const std::string& otherwise) const {
  const auto* const attribute = find(name, onnx::AttributeProto::STRING);
  return attribute == nullptr ? otherwise : attribute->s();
}

std::optional<Integers> Call::integer_list(std::string_view name) const {
  const auto* const attribute = find(name, onnx::AttributeProto::INTS);
  if (attribute == nullptr) return std::nullopt;
  return Integers(attribute->ints().begin(), attribute->ints().end());
}

std::optional<Numbers> Call::number_list(std::string_view name) const {
  const auto* const attribute = find(name, onnx::AttributeProto::FLOATS);
  if (attribute == nullptr) return std::nullopt;
  return Numbers(attribute->floats().begin(), attribute->floats().end());
}

std::optional<Tensor> Call::tensor(std::string_view name) const {
  const auto* const attribute = find(name, onnx::AttributeProto::TENSOR);
  if (attribute == nullptr) return std::nullopt;
  Tensor decoded = decode_tensor(attribute->t());
  static_cast<void>(count(decoded.shape));
  return decoded;
}

std::optional<Integers> Call::list(std::string_view name, std::size_t place, std::int64_t moved) const {
  const bool as_input = opset() >= moved;
  if (as_input ? has_attribute(name) : inputs_.size() > place) {
    damaged("operator set " + std::to_string(opset()) + " has its \"" + std::string(name) + "\" as an " +
            (as_input ? "input" : "attribute"));
  }
  if (!as_input) return integer_list(name);
  return has_input(place) ? std::optional(row(place)) : std::nullopt;
}

std::size_t Call::axis(std::int64_t given, std::size_t rank) const {
  const std::int64_t dimensions = to_signed(rank);
  if (given < -dimensions || given >= dimensions) {
    refuse("axis " + std::to_string(given) + " of " + std::to_string(rank) + " dimensions");
  }
  return to_size(given < 0 ? given + dimensions : given);
}

std::vector<std::size_t> Call::axes(const Integers& given, std::size_t rank) const {
  if (given.size() > rank) damaged("it names more axes than there are dimensions");
  std::vector<std::size_t> axes;
  for (const std::int64_t each : given) {
    axes.push_back(axis(each, rank));
    if (std::count(axes.begin(), axes.end(), axes.back()) > 1) damaged("it names an axis twice");
  }
  return axes;
}

std::size_t Call::dimension(std::int64_t given) const {
  if (given < 0 || to_size(given) > kMostElements) refuse("a dimension of " + std::to_string(given));
  return to_size(given);
}

Shape Call::shape(const Integers& given) const {
  if (given.size() > kMostDimensions) refuse("a shape of " + std::to_string(given.size()) + " dimensions");
  Shape shape;
  for (const std::int64_t size : given) shape.push_back(dimension(size));
  static_cast<void>(count(shape));
  return shape;
}

std::size_t Call::count(const Shape& shape) const {
  if (!within_limits(shape)) {
    refuse("a tensor has more than " + std::to_string(kMostElements) + " elements or " +
           std::to_string(kMostDimensions) + " dimensions");
  }
  return element_count(shape);
}

void Call::work(std::initializer_list<std::size_t> factors) const {
  if (!budget_->spend(factors)) {
    refuse("it takes more than " + std::to_string(kMostWork) + " multiplications; use a smaller network");
  }
}

void Call::refuse(const std::string& why) const { throw Error(ErrorKind::unsupported_model, place() + why); }

void Call::damaged(const std::string& why) const { throw Error(ErrorKind::damaged, place() + why); }

const onnx::AttributeProto* Call::find(std::string_view name) const {
  const auto& attributes = node_->attribute();
  const auto found =
      std::find_if(attributes.begin(), attributes.end(), [&](const auto& a) { return a.name() == name; });
  return found == attributes.end() ? nullptr : &*found;
}

const onnx::AttributeProto* Call::find(std::string_view name,
                                       onnx::AttributeProto::AttributeType type) const {
  const auto* const attribute = find(name);
  if (attribute != nullptr && attribute->type() != type) {
    damaged("its attribute " + quoted(name) + " is of another type than the operator's");
  }
  return attribute;
}

std::string Call::place() const {
  const std::string output = node_->output_size() > 0 ? node_->output(0) : std::string();
  return "node " + (node_->name().empty() ? "" : quoted(node_->name()) + " ") + "(operator " +
         quoted(node_->op_type()) + ", output " + quoted(output) + "): ";
}

}  // namespace opaline::network::evaluation
