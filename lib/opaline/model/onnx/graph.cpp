#include "opaline/model/onnx/graph.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/model/onnx/advice.h"
#include "opaline/model/onnx/client_nodes.h"
#include "opaline/model/onnx/ends.h"
#include "opaline/model/onnx/graph_input.h"
#include "opaline/model/onnx/input_ranges.h"
#include "opaline/model/onnx/names.h"
#include "opaline/model/onnx/operators.h"
#include "opaline/model/onnx/proof.h"
#include "opaline/model/onnx/prune.h"
#include "opaline/model/onnx/quoted.h"

namespace opaline::network {
namespace {

constexpr std::size_t kMostNodes = std::size_t{1} << 16;
constexpr int kMostGraphOutputs = 256;
constexpr std::size_t kMostFolded = std::size_t{1} << 27;  // elements of all constants that nodes make

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorKind::unsupported_model, why); }

GraphInput find_input(const onnx::GraphProto& graph, const Names& names) {
  std::vector<const onnx::ValueInfoProto*> inputs;
  for (const auto& info : graph.input()) {
    if (!names.is_initialiser(info.name())) inputs.push_back(&info);
  }
  if (inputs.size() != 1) {
    refuse("has " + std::to_string(inputs.size()) +
           " inputs; a network needs exactly one (weights have to be initialisers)");
  }
  return read_input(*inputs.front());
}

/// The way forwards through the graph's nodes, which are all needed.
class Forward {
 public:
  Forward(const onnx::GraphProto& graph, std::vector<std::size_t> positions, const Opsets& opsets)
      : graph_(&graph), positions_(std::move(positions)), opsets_(opsets), names_(graph) {
    input_ = find_input(graph, names_);
    names_.define(input_.name, Variable{0, input_.shape});
    made_by_.emplace_back();
    users_.emplace_back();
    for (int i = 0; i < graph.node_size(); ++i) run(i);
  }

  const GraphInput& input() const { return input_; }
  const ForwardPass& pass() const { return pass_; }
  const std::vector<std::size_t>& positions() const { return positions_; }

  /// What all outputs of the graph are made of.
  End end() {
    std::vector<NamedValue> outputs;
    for (const auto& output : graph_->output()) {
      const Value* value = names_.find(output.name());
      if (value == nullptr) refuse("no node makes the output " + quoted(output.name()));
      outputs.push_back({output.name(), *value});
    }
    return common_end(outputs);
  }

  /// The name and the operator under which a tensor first came up; empty for the input.
  struct Maker {
    std::string name;
    std::string type;
  };
  const Maker& maker(std::size_t id) const { return made_by_[id]; }

  /// The nodes that the whole input goes through before it is used twice, at most two.
  std::vector<Node> first_nodes() {
    std::vector<Node> chain;
    std::size_t id = 0;
    while (chain.size() < 2 && users_[id].size() == 1) {
      const User& user = users_[id].front();
      chain.push_back(look_up(user.node));
      id = user.makes;
    }
    return chain;
  }

 private:
  struct User {
    int node;
    std::size_t makes;  ///< its first tensor
  };

  Node look_up(int i) {
    const onnx::NodeProto& proto = graph_->node(i);
    const std::size_t position = positions_[static_cast<std::size_t>(i)];
    const auto is_output = [&](const std::string& name) {
      return std::any_of(graph_->output().begin(), graph_->output().end(),
                         [&](const auto& output) { return output.name() == name; });
    };
    const auto place = std::any_of(proto.output().begin(), proto.output().end(), is_output)
                           ? Node::Place::makes_an_output
                           : Node::Place::inside;
    if (static_cast<std::size_t>(proto.input_size()) > kAnyNumber) {
      refuse(title_of(proto, position) + ": has " + std::to_string(proto.input_size()) +
             " inputs, which are too many");
    }
    std::vector<std::optional<Value>> inputs;
    for (const std::string& name : proto.input()) {
      const Value* value = name.empty() ? nullptr : names_.find(name);
      if (value == nullptr && !name.empty()) {
        refuse(
            title_of(proto, position) + ": its input " + quoted(name) +
            " is no initialiser, no graph input and no output of an earlier node; the graph is incomplete, "
            "unsorted or cyclic");
      }
      inputs.push_back(value == nullptr ? std::nullopt : std::optional(*value));
    }
    return {proto, position, std::move(inputs), place, opsets_};
  }

  void run(int i) {
    const onnx::NodeProto& proto = graph_->node(i);
    const Node node = look_up(i);
    const std::size_t made_before = pass_.steps().size();
    Values values = apply(node);
    const std::size_t made = pass_.steps().size();
    made_by_.resize(made + 1);
    users_.resize(made + 1);
    if (made > made_before) note_uses(i, node, made_before + 1);
    for (int k = 0; k < proto.output_size() && static_cast<std::size_t>(k) < values.size(); ++k) {
      if (proto.output(k).empty()) continue;
      Value& value = values[static_cast<std::size_t>(k)];
      note_maker(proto.output(k), proto.op_type(), value, made_before);
      names_.define(proto.output(k), std::move(value));
    }
  }

  void note_uses(int i, const Node& node, std::size_t makes) {
    for (std::size_t k = 0; k < node.inputs(); ++k) {
      if (const Variable* x = node.variable(k)) users_[x->id].push_back({i, makes});
    }
  }

  void note_maker(const std::string& name, const std::string& type, const Value& value,
                  std::size_t made_before) {
    const auto* variable = std::get_if<Variable>(&value);
    if (const auto* finished = std::get_if<Finished>(&value)) variable = &finished->logits;
    if (variable == nullptr || variable->id <= made_before) return;
    // Of the outputs of a classifier, the last one holds the scores.
    made_by_[variable->id] = {name, type};
  }

  Values apply(const Node& node) {
    bool is_constant = true;
    const Finished* finished = nullptr;
    for (std::size_t i = 0; i < node.inputs(); ++i) {
      is_constant = is_constant && (!node.has_input(i) || node.constant(i));
      if (node.finished(i) != nullptr) finished = node.finished(i);
    }
    const onnx::NodeProto& proto = node.proto();
    const bool is_ml = is_machine_learning(proto.domain());
    const bool is_standard = proto.domain().empty() || proto.domain() == "ai.onnx";
    if (!is_standard && !is_ml) node.refuse(advice_for(node));
    if (is_ml && opsets_.machine_learning == 0) {
      node.refuse("is of ai.onnx.ml, which the file does not import; export the model again");
    }
    if (is_constant) return fold(node);
    if (finished != nullptr && node.finished(0) == nullptr) {
      refuse(finished->maker + ": is not affine, so it may only be the network's last node, but " +
             node.title() +
             " goes on; end the network there, or put the identity in its place and train the network again");
    }

    const Operator* op = find_operator(proto.domain(), proto.op_type());
    if (op == nullptr) node.refuse(advice_for(node));
    if (node.inputs() < op->fewest_inputs || node.inputs() > op->most_inputs) {
      node.refuse("has " + std::to_string(node.inputs()) + " inputs, which this operator does not take");
    }
    for (const auto& attribute : proto.attribute()) {
      const auto& known = op->attributes;
      if (std::find(known.begin(), known.end(), attribute.name()) == known.end()) {
        node.refuse("the attribute " + quoted(attribute.name()) + " is not one of this operator");
      }
    }
    return finished != nullptr ? apply_to_finished(node, pass_) : op->apply(node, pass_);
  }

  Values fold(const Node& node) {
    std::vector<Constant> held;
    std::vector<const Tensor*> inputs;
    for (std::size_t i = 0; i < node.inputs(); ++i) {
      held.push_back(node.constant(i));
      inputs.push_back(held.back().get());
    }
    Values values;
    for (Tensor& tensor : evaluate_node(node.proto(), inputs, opsets_)) {
      folded_ += element_count(tensor.shape);
      if (folded_ > kMostFolded)
        node.refuse("the network's constants grow too large; store them as initialisers");
      values.emplace_back(std::make_shared<const Tensor>(std::move(tensor)));
    }
    return values;
  }

  const onnx::GraphProto* graph_;
  std::vector<std::size_t> positions_;
  Opsets opsets_;
  Names names_;
  GraphInput input_;
  ForwardPass pass_;
  std::vector<Maker> made_by_;            // by id
  std::vector<std::vector<User>> users_;  // by id: who made new tensors of it
  std::size_t folded_ = 0;
};

/// A batch that is written into the shapes looks like a dimension of the image.
void refuse_fixed_batch(const GraphInput& input, const Variable& output) {
  if (input.batch != Batch::none || input.shape.size() < 2 || output.shape.size() < 2) return;
  if (output.shape.front() != input.shape.front()) return;
  refuse("input " + quoted(input.name) + " has a fixed batch of " + std::to_string(input.shape.front()) +
         "; export the network with a symbolic first dimension, or 1");
}

/// The matrix of the input, and the offset.
AffineMap run_backwards(const ForwardPass& pass, const Variable& output, std::size_t inputs, Terms terms) {
  const std::size_t outputs = element_count(output.shape);
  if (outputs > kMostOutputs) {
    refuse("the network has " + std::to_string(outputs) + " outputs, at most " +
           std::to_string(kMostOutputs) + " are supported");
  }
  if (pass.entries() > kMostVisits / outputs) {
    refuse("collapsing the network would take more than 2^36 multiplications; it is too large");
  }
  BackwardPass backward(pass.steps().size() + 1, output.id, outputs, terms);
  for (std::size_t id = pass.steps().size(); id > 0; --id) {
    const std::optional<Matrix> matrix = backward.take(id);
    if (!matrix) continue;
    for (const Step& step : pass.steps()[id - 1]) step.run(*matrix, backward);
    backward.release(*matrix);
  }
  const std::optional<Matrix> answer = backward.take(0);
  if (!answer) refuse("the output does not depend on the input");
  AffineMap map{inputs, outputs, std::vector<double>(inputs * outputs), backward.offset()};
  for (std::size_t j = 0; j < inputs; ++j) {
    for (std::size_t k = 0; k < outputs; ++k) map.weights[k * inputs + j] = answer->row(j)[k];
  }
  return map;
}

void refuse_overflow(const AffineMap& map) {
  const auto finite = [](double value) { return std::isfinite(value); };
  if (!std::all_of(map.weights.begin(), map.weights.end(), finite) ||
      !std::all_of(map.bias.begin(), map.bias.end(), finite)) {
    refuse("the collapsed weights overflow double precision; train the network again with smaller weights");
  }
}

}  // namespace

ImportedNetwork collapse(onnx::GraphProto graph, const Opsets& opsets, NetworkNotes notes) {
  if (graph.sparse_initializer_size() > 0)
    refuse("sparse initialisers are not supported; store the weights densely");
  if (static_cast<std::size_t>(graph.node_size()) > kMostNodes) {
    refuse("has " + std::to_string(graph.node_size()) + " nodes, at most " + std::to_string(kMostNodes) +
           " are supported");
  }
  if (graph.output_size() == 0 || graph.output_size() > kMostGraphOutputs) {
    refuse("has " + std::to_string(graph.output_size()) + " outputs, 1 to " +
           std::to_string(kMostGraphOutputs) + " are supported");
  }
  std::vector<std::size_t> positions = prune(graph);
  Forward forward(graph, std::move(positions), opsets);
  const GraphInput& input = forward.input();
  const std::size_t inputs = element_count(input.shape);
  const End end = forward.end();
  refuse_fixed_batch(input, end.logits);

  ImportedNetwork network;
  const auto map_of = [&](Terms terms) { return run_backwards(forward.pass(), end.logits, inputs, terms); };
  network.map = map_of(Terms::as_they_are);
  refuse_overflow(network.map);
  network.input_shape = input.without_batch();
  network.activation = end.activation;
  network.labels = end.labels;
  network.regression = forward.maker(end.logits.id).type == "LinearRegressor";
  network.suggested_ranges = standardised_ranges(forward.first_nodes(), inputs);
  for (const auto& node : graph.node()) network.operators.push_back(node.op_type());
  network.notes = std::move(notes);

  Claim claim{input,
              forward.maker(end.logits.id).name,
              network.suggested_ranges,
              forward.pass().entries(),
              forward.pass().elements(),
              forward.positions(),
              [&] { return map_of(Terms::absolute); }};
  if (end.logits.id == 0) claim.output = input.name;
  if (network.notes.ranges.size() == inputs) claim.ranges = network.notes.ranges;
  network.largest_difference = check_claim(graph, opsets, network.map, claim);
  return network;
}

}  // namespace opaline::network
