#include "opaline/model/onnx/evaluate.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "opaline/base/error.h"
#include "opaline/model/onnx/evaluate_call.h"
#include "opaline/model/onnx/quoted.h"

namespace opaline::network {
namespace {

using namespace evaluation;

constexpr std::int64_t kOldestOpset = 7;
constexpr std::int64_t kNewestOpset = 21;
constexpr std::size_t kMostGraphElements = std::size_t{1} << 28;  // of all tensors of a graph, 2 GiB

const Operator* find_in(const std::vector<Operator>& table, std::string_view type) {
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const Operator& o) { return o.type == type; });
  return found == table.end() ? nullptr : &*found;
}

const Operator& find_operator_of(const Call& call, const onnx::NodeProto& node, const Opsets& opsets) {
  if (node.domain() == "ai.onnx.ml") {
    if (opsets.machine_learning < 1) call.refuse("the model does not import the operator set ai.onnx.ml");
    const Operator* const found = find_in(machine_learning_operators(), node.op_type());
    if (found != nullptr) return *found;
  } else if (node.domain().empty() || node.domain() == "ai.onnx") {
    if (opsets.standard < kOldestOpset || opsets.standard > kNewestOpset) {
      call.refuse("operator set " + std::to_string(opsets.standard) + " is not one of 7 to 21");
    }
    for (const auto* const table :
         {&elementwise_operators(), &cast_operators(), &constant_operators(), &shape_operators(),
          &selection_operators(), &product_operators(), &window_operators(), &axis_operators()}) {
      const Operator* const found = find_in(*table, node.op_type());
      if (found != nullptr) return *found;
    }
  }
  call.refuse("there is no way to evaluate it; constants have to come from simpler operators");
}

void check_attributes(const Call& call, const onnx::NodeProto& node, const Operator& found) {
  std::set<std::string> seen;
  for (const onnx::AttributeProto& attribute : node.attribute()) {
    if (!attribute.ref_attr_name().empty() || std::find(found.attributes.begin(), found.attributes.end(),
                                                        attribute.name()) == found.attributes.end()) {
      call.refuse("its attribute " + quoted(attribute.name()) + " is not known");
    }
    if (!seen.insert(attribute.name()).second) {
      call.damaged("its attribute " + quoted(attribute.name()) + " is given twice");
    }
  }
}

std::vector<Tensor> evaluate(const onnx::NodeProto& node, std::span<const Tensor* const> inputs,
                             const Opsets& opsets, Budget& budget) {
  const Call call(node, inputs, opsets, budget);
  const Operator& found = find_operator_of(call, node, opsets);
  if (inputs.size() < found.fewest_inputs || inputs.size() > found.most_inputs || node.output_size() < 1) {
    call.refuse("it has " + std::to_string(inputs.size()) + " inputs and " +
                std::to_string(node.output_size()) + " outputs");
  }
  check_attributes(call, node, found);
  std::vector<Tensor> outputs = found.apply(call);
  if (outputs.size() < call.outputs()) {
    const auto first = node.output().begin() + static_cast<int>(outputs.size());
    if (!std::all_of(first, node.output().end(), [](const auto& name) { return name.empty(); })) {
      call.refuse("only its first " + std::to_string(outputs.size()) + " outputs can be computed");
    }
  }
  outputs.resize(call.outputs());
  return outputs;
}

using Tensors = std::map<std::string, std::shared_ptr<const Tensor>>;

/// The tensors of a graph as they become known.
class Known {
 public:
  explicit Known(const onnx::GraphProto& graph) {
    for (const onnx::TensorProto& tensor : graph.initializer()) initialisers_.emplace(tensor.name(), &tensor);
  }

  void add(const std::string& name, Tensor tensor) {
    const std::size_t count = element_count(tensor.shape);
    if (count > left_) {
      throw Error(ErrorKind::unsupported_model, "the tensors of the graph have more than " +
                                                    std::to_string(kMostGraphElements) +
                                                    " elements; use a smaller network");
    }
    left_ -= count;
    if (!tensors_.emplace(name, std::make_shared<const Tensor>(std::move(tensor))).second) {
      throw Error(ErrorKind::damaged, "two tensors have the name " + quoted(name));
    }
  }

  /// The output of a node, which must not share its name with an initialiser either.
  void make(const std::string& name, Tensor tensor) {
    if (initialisers_.contains(name)) {
      throw Error(ErrorKind::damaged, "a node makes " + quoted(name) + ", which is an initialiser already");
    }
    add(name, std::move(tensor));
  }

  /// Null for the empty name, which stands for an input that is left out.
  const Tensor* find(const std::string& name) {
    if (name.empty()) return nullptr;
    if (const auto known = tensors_.find(name); known != tensors_.end()) return known->second.get();
    const auto stored = initialisers_.find(name);
    if (stored == initialisers_.end()) {
      throw Error(ErrorKind::unsupported_model,
                  "tensor " + quoted(name) + " is not made before it is used; sort the graph's nodes");
    }
    add(name, decode_tensor(*stored->second));
    return tensors_.at(name).get();
  }

  Tensors give_up() && { return std::move(tensors_); }

 private:
  std::unordered_map<std::string, const onnx::TensorProto*> initialisers_;
  Tensors tensors_;
  std::size_t left_ = kMostGraphElements;
};

}  // namespace

std::vector<Tensor> evaluate_node(const onnx::NodeProto& node, std::span<const Tensor* const> inputs,
                                  const Opsets& opsets) {
  Budget budget(kMostWork);
  return evaluate(node, inputs, opsets, budget);
}

std::map<std::string, std::shared_ptr<const Tensor>> evaluate_graph(const onnx::GraphProto& graph,
                                                                    const Opsets& opsets,
                                                                    const std::string& input_name,
                                                                    Tensor input, const std::string& last) {
  Budget budget(kMostWork);
  Known known(graph);
  known.add(input_name, std::move(input));
  bool made = last == input_name;
  for (auto node = graph.node().begin(); !made && node != graph.node().end(); ++node) {
    std::vector<const Tensor*> inputs;
    for (const std::string& name : node->input()) inputs.push_back(known.find(name));
    std::vector<Tensor> outputs = evaluate(*node, inputs, opsets, budget);
    for (int i = 0; i < node->output_size(); ++i) {
      if (node->output(i).empty()) continue;
      known.make(node->output(i), std::move(outputs[static_cast<std::size_t>(i)]));
      made = made || node->output(i) == last;
    }
  }
  if (!made) static_cast<void>(known.find(last));  // An initialiser, or an error.
  return std::move(known).give_up();
}

}  // namespace opaline::network
