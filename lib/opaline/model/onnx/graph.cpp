#include "opaline/model/onnx/graph.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/model/onnx/operators.h"
#include "opaline/model/onnx/quoted.h"

namespace opaline::network {
namespace {

constexpr std::size_t kMostNodes = std::size_t{1} << 16;
constexpr std::size_t kMostElements = std::size_t{1} << 26;  // of one tensor
constexpr std::size_t kMostEntries = std::size_t{1} << 26;   // of all matrices held at one time

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorKind::unsupported_model, why); }

bool is_custom(std::string_view domain) { return !domain.empty() && domain != "ai.onnx"; }

/// What the graph says of its input.
struct Input {
  std::string name;
  Shape shape;  ///< without the batch dimension
  bool batch_of_one = false;
};

Input read_input(const onnx::ValueInfoProto& info) {
  const std::string what = "input " + quoted(info.name());
  const onnx::TypeProto::Tensor& type = info.type().tensor_type();
  if (type.elem_type() != onnx::TensorProto::FLOAT && type.elem_type() != onnx::TensorProto::DOUBLE) {
    refuse(what + " is not a tensor of float or double; export the network with such an input");
  }
  const auto& dimensions = type.shape().dim();
  if (dimensions.size() < 2 || static_cast<std::size_t>(dimensions.size()) > 1 + kMostInputDimensions) {
    refuse(what + " has " + std::to_string(dimensions.size()) +
           " dimensions; it has to have a batch dimension and 1 to 8 more, with known sizes");
  }
  Input input{info.name(), {}, dimensions[0].has_dim_value() && dimensions[0].dim_value() == 1};
  if (dimensions[0].has_dim_value() && !input.batch_of_one) {
    refuse(what + " has a fixed batch of " + std::to_string(dimensions[0].dim_value()) +
           "; export the network with a symbolic first dimension, or 1");
  }
  std::size_t count = 1;
  for (int i = 1; i < dimensions.size(); ++i) {
    const std::int64_t size = dimensions[i].dim_value();
    if (size < 1)
      refuse(what + ": dimension " + std::to_string(i) + " has no fixed size; only the batch may be open");
    if (static_cast<std::uint64_t>(size) > kMostInputs / count) {
      refuse(what + " has more than " + std::to_string(kMostInputs) + " elements");
    }
    count *= static_cast<std::size_t>(size);
    input.shape.push_back(static_cast<std::size_t>(size));
  }
  return input;
}

/// Every name of the graph and what stands behind it.
class Names {
 public:
  explicit Names(const onnx::GraphProto& graph) {
    for (const auto& tensor : graph.initializer()) {
      if (!initialisers_.emplace(tensor.name(), &tensor).second) {
        refuse("the initialiser " + quoted(tensor.name()) + " is there twice");
      }
    }
  }

  bool is_initialiser(const std::string& name) const { return initialisers_.count(name) > 0; }

  void define(const std::string& name, Value value) {
    if (is_initialiser(name) || !values_.emplace(name, std::move(value)).second) {
      refuse("the name " + quoted(name) + " is given to two tensors");
    }
  }

  /// Null for a name not seen so far. Initialisers are decoded when first asked for.
  const Value* find(const std::string& name) {
    auto found = values_.find(name);
    if (found == values_.end()) {
      const auto initialiser = initialisers_.find(name);
      if (initialiser == initialisers_.end()) return nullptr;
      found =
          values_.emplace(name, std::make_shared<const Tensor>(decode_tensor(*initialiser->second))).first;
    }
    return &found->second;
  }

 private:
  std::unordered_map<std::string, const onnx::TensorProto*> initialisers_;
  std::unordered_map<std::string, Value> values_;
};

Node look_up(const onnx::NodeProto& proto, Names& names, const std::string& graph_output) {
  const auto place = proto.output_size() > 0 && proto.output(0) == graph_output
                         ? Node::Place::makes_the_output
                         : Node::Place::inside;
  std::vector<std::optional<Value>> inputs;
  for (const std::string& name : proto.input()) {
    if (name.empty()) {
      inputs.emplace_back();
    } else if (const Value* value = names.find(name)) {
      inputs.emplace_back(*value);
    } else {
      Node(proto, {}, place)
          .refuse(
              "its input " + quoted(name) +
              " is no initialiser, no graph input and no output of an earlier node; the graph is incomplete, "
              "unsorted or cyclic");
    }
  }
  return Node(proto, std::move(inputs), place);
}

Value apply(const onnx::NodeProto& proto, const Node& node, ForwardPass& pass) {
  if (is_custom(proto.domain())) {
    node.refuse("the operator domain " + quoted(proto.domain()) +
                " is not supported; export with standard operators");
  }
  const Operator* op = find_operator(proto.op_type());
  if (op == nullptr) node.refuse(advice_without(proto.op_type()));
  const auto inputs = static_cast<std::size_t>(proto.input_size());
  if (inputs < op->fewest_inputs || inputs > op->most_inputs) {
    node.refuse("has " + std::to_string(inputs) + " inputs, which this operator does not take");
  }
  for (const auto& attribute : proto.attribute()) {
    const auto& known = op->attributes;
    if (std::find(known.begin(), known.end(), attribute.name()) == known.end()) {
      node.refuse("the attribute " + quoted(attribute.name()) + " is not one of this operator");
    }
  }
  return op->apply(node, pass);
}

/// The matrix of the input, and the offset, once the forward pass has left its steps.
AffineMap run_backwards(const ForwardPass& pass, const Variable& output, std::size_t inputs) {
  const std::size_t outputs = element_count(output.shape);
  if (outputs > kMostOutputs) {
    refuse("the network has " + std::to_string(outputs) + " outputs, at most " +
           std::to_string(kMostOutputs) + " are supported");
  }
  const std::vector<Step>& steps = pass.steps();
  BackwardPass backward(steps.size() + 1, output.id, outputs);
  for (std::size_t id = steps.size(); id > 0; --id) {
    if (std::optional<Matrix> share = backward.take(id)) steps[id - 1](*std::move(share), backward);
  }
  std::optional<Matrix> answer = backward.take(0);
  if (!answer) refuse("the output does not depend on the input");
  AffineMap map{inputs, outputs, std::move(answer->entries), backward.offset()};
  const auto finite = [](double value) { return std::isfinite(value); };
  if (!std::all_of(map.weights.begin(), map.weights.end(), finite) ||
      !std::all_of(map.bias.begin(), map.bias.end(), finite)) {
    refuse("the collapsed weights overflow double precision; train the network again with smaller weights");
  }
  return map;
}

void need_room(std::size_t entries, std::size_t rows, std::size_t columns) {
  if (columns > (kMostEntries - entries) / rows) {
    refuse("collapsing the network would take more than " +
           std::to_string(kMostEntries * sizeof(double) >> 20) + " MiB; it is too large");
  }
}

}  // namespace

BackwardPass::BackwardPass(std::size_t variables, std::size_t output, std::size_t outputs)
    : shares_(variables), offset_(outputs, 0.0) {
  Matrix identity = zeros(outputs, outputs);
  for (std::size_t k = 0; k < outputs; ++k) identity.entries[k * outputs + k] = 1.0;
  add(output, std::move(identity));
}

Matrix BackwardPass::zeros(std::size_t rows, std::size_t columns) const {
  need_room(entries_, rows, columns);
  return {rows, columns, std::vector<double>(rows * columns, 0.0)};
}

void BackwardPass::add(std::size_t id, Matrix share) {
  std::optional<Matrix>& sum = shares_[id];
  if (!sum) {
    need_room(entries_, share.rows, share.columns);
    entries_ += share.entries.size();
    sum = std::move(share);
    return;
  }
  std::transform(share.entries.begin(), share.entries.end(), sum->entries.begin(), sum->entries.begin(),
                 std::plus<>());
}

void BackwardPass::add_constant(const Matrix& share, const std::vector<double>& constant, double factor) {
  for (std::size_t k = 0; k < share.rows; ++k) {
    double sum = 0.0;
    for (std::size_t j = 0; j < share.columns; ++j) sum += share.entries[k * share.columns + j] * constant[j];
    offset_[k] += factor * sum;
  }
}

std::optional<Matrix> BackwardPass::take(std::size_t id) {
  std::optional<Matrix> share = std::exchange(shares_[id], std::nullopt);
  if (share) entries_ -= share->entries.size();
  return share;
}

Variable ForwardPass::make(Shape shape, Step step) {
  if (element_count(shape) > kMostElements) {
    refuse("a tensor of shape N x " + to_string(shape) + " is too large");
  }
  steps_.push_back(std::move(step));
  return {steps_.size(), std::move(shape)};
}

Constant Node::shared_constant(std::size_t i) const {
  const Constant* constant = input<Constant>(i);
  return constant == nullptr ? nullptr : *constant;
}

const Tensor* Node::constant(std::size_t i) const { return shared_constant(i).get(); }

const Variable& Node::need_variable(std::size_t i) const {
  const Variable* found = variable(i);
  if (found == nullptr) {
    refuse("input " + std::to_string(i) +
           " has to depend on the network's input; export with constant folding if it does not");
  }
  return *found;
}

Constant Node::need_numbers(std::size_t i) const {
  Constant found = shared_constant(i);
  if (!found || !std::holds_alternative<std::vector<double>>(found->values)) {
    refuse("input " + std::to_string(i) +
           " has to be a constant of float or double; a product of two tensors that depend on the network's "
           "input is "
           "not affine");
  }
  return found;
}

const std::vector<std::int64_t>& Node::need_integers(std::size_t i) const {
  const Tensor* found = constant(i);
  const auto* integers = found == nullptr ? nullptr : std::get_if<std::vector<std::int64_t>>(&found->values);
  if (integers == nullptr) {
    refuse("input " + std::to_string(i) + " has to be a constant of int64; export with constant folding");
  }
  return *integers;
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

void Node::refuse(const std::string& why) const {
  const std::string output = node_->output_size() > 0 ? node_->output(0) : std::string();
  network::refuse("node " + (node_->name().empty() ? "" : quoted(node_->name()) + " ") + "(operator " +
                  quoted(node_->op_type()) + ", output " + quoted(output) + "): " + why);
}

ImportedNetwork collapse(const onnx::GraphProto& graph, std::int64_t opset) {
  if (graph.sparse_initializer_size() > 0)
    refuse("sparse initialisers are not supported; store the weights densely");
  if (static_cast<std::size_t>(graph.node_size()) > kMostNodes) {
    refuse("has " + std::to_string(graph.node_size()) + " nodes, at most " + std::to_string(kMostNodes) +
           " are supported");
  }
  Names names(graph);
  std::vector<const onnx::ValueInfoProto*> inputs;
  for (const auto& info : graph.input()) {
    if (!names.is_initialiser(info.name())) inputs.push_back(&info);
  }
  if (inputs.size() != 1 || graph.output_size() != 1) {
    refuse("has " + std::to_string(inputs.size()) + " inputs and " + std::to_string(graph.output_size()) +
           " outputs; a network needs exactly one of each (weights have to be initialisers)");
  }
  const Input input = read_input(*inputs.front());
  const std::string& output = graph.output(0).name();
  names.define(input.name, Variable{0, input.shape});

  ForwardPass pass(opset, input.batch_of_one);
  ImportedNetwork network;
  for (const auto& proto : graph.node()) {
    const Node node = look_up(proto, names, output);
    if (pass.activation() != OutputActivation::none) node.refuse("comes after the network's last node");
    if (proto.output_size() == 0 || proto.output(0).empty()) node.refuse("has no output");
    names.define(proto.output(0), apply(proto, node, pass));
    network.operators.push_back(proto.op_type());
  }

  const Value* result = names.find(output);
  if (result == nullptr) refuse("no node makes the output " + quoted(output));
  const auto* last = std::get_if<Variable>(result);
  if (last == nullptr) refuse("the output does not depend on the input");
  network.map = run_backwards(pass, *last, element_count(input.shape));
  network.input_shape = input.shape;
  network.activation = pass.activation();
  return network;
}

}  // namespace opaline::network
