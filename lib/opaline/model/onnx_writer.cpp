#include <onnx/onnx_pb.h>

#include <cmath>
#include <limits>
#include <string>

#include "opaline/base/error.h"
#include "opaline/model/head_network.h"
#include "opaline/model/trainer.h"

namespace opaline {
namespace {

constexpr std::int64_t kIrVersion = 7;  // the one that came with opset 13
constexpr std::int64_t kOpset = 13;

void check(const std::vector<DenseLayer>& layers) {
  bool sound = !layers.empty();
  for (std::size_t i = 0; sound && i < layers.size(); ++i) {
    const DenseLayer& layer = layers[i];
    sound = layer.inputs > 0 && layer.bias.size() == layer.outputs && layer.outputs > 0 &&
            layer.weights.size() == layer.outputs * layer.inputs &&
            (i == 0 || layers[i - 1].outputs == layer.inputs);
  }
  if (!sound) throw Error(ErrorKind::invalid_argument, "the layers of the network do not fit together");
}

// A tensor of N rows, N left open.
void describe(onnx::ValueInfoProto& value, const std::string& name, std::size_t columns) {
  value.set_name(name);
  auto& type = *value.mutable_type()->mutable_tensor_type();
  type.set_elem_type(onnx::TensorProto::FLOAT);
  type.mutable_shape()->add_dim()->set_dim_param("N");
  type.mutable_shape()->add_dim()->set_dim_value(static_cast<std::int64_t>(columns));
}

// Appends op(input, parameters...) and gives the name of its output.
onnx::NodeProto& add_node(onnx::GraphProto& graph, const std::string& op, const std::string& name,
                          const std::string& input, const std::string& output) {
  onnx::NodeProto& node = *graph.add_node();
  node.set_op_type(op);
  node.set_name(name);
  node.add_input(input);
  node.add_output(output);
  return node;
}

void set_attribute(onnx::NodeProto& node, const std::string& name, std::int64_t value) {
  onnx::AttributeProto& attribute = *node.add_attribute();
  attribute.set_name(name);
  attribute.set_type(onnx::AttributeProto::INT);
  attribute.set_i(value);
}

void add_tensor(onnx::GraphProto& graph, const std::string& name, std::initializer_list<std::size_t> shape,
                const std::vector<float>& values) {
  onnx::TensorProto& tensor = *graph.add_initializer();
  tensor.set_name(name);
  tensor.set_data_type(onnx::TensorProto::FLOAT);
  for (const std::size_t size : shape) tensor.add_dims(static_cast<std::int64_t>(size));
  tensor.mutable_float_data()->Add(values.begin(), values.end());
}

onnx::ModelProto new_model(std::size_t inputs) {
  onnx::ModelProto model;
  model.set_ir_version(kIrVersion);
  model.set_producer_name("opaline");
  model.add_opset_import()->set_version(kOpset);
  model.mutable_graph()->set_name("network");
  describe(*model.mutable_graph()->add_input(), "input", inputs);
  return model;
}

// y = W x + b.
void add_dense(onnx::GraphProto& graph, const std::string& name, const DenseLayer& layer,
               const std::string& input, const std::string& output) {
  onnx::NodeProto& gemm = add_node(graph, "Gemm", name, input, output);
  gemm.add_input(name + "_weights");
  gemm.add_input(name + "_bias");
  set_attribute(gemm, "transB", 1);
  add_tensor(graph, name + "_weights", {layer.outputs, layer.inputs}, layer.weights);
  add_tensor(graph, name + "_bias", {layer.outputs}, layer.bias);
}

Bytes bytes_of(const onnx::ModelProto& model) {
  Bytes file(model.ByteSizeLong());
  if (file.size() > std::size_t{std::numeric_limits<int>::max()} ||
      !model.SerializeToArray(file.data(), static_cast<int>(file.size()))) {
    throw Error(ErrorKind::too_large, "the network is too large for an ONNX file");
  }
  return file;
}

std::vector<float> narrowed(const std::vector<double>& values) {
  std::vector<float> floats;
  floats.reserve(values.size());
  for (const double value : values) {
    const auto narrow = static_cast<float>(value);
    if (!std::isfinite(narrow)) {
      throw Error(ErrorKind::invalid_argument, "a weight is beyond single precision; rescale the inputs");
    }
    floats.push_back(narrow);
  }
  return floats;
}

void check(const HeadNetwork& network) {
  const AffineMap& head = network.head;
  bool sound = head.inputs > 0 && head.outputs > 0 && head.bias.size() == head.outputs &&
               head.weights.size() == head.outputs * head.inputs;
  if (const auto& standardisation = network.standardisation) {
    sound = sound && standardisation->mean.size() == head.inputs &&
            standardisation->deviation.size() == head.inputs;
  }
  if (!sound)
    throw Error(ErrorKind::invalid_argument, "the head and its standardisation do not fit together");
}

}  // namespace

Bytes to_onnx(const TrainedNetwork& network) {
  check(network.layers);
  onnx::ModelProto model = new_model(network.layers.front().inputs);
  onnx::GraphProto& graph = *model.mutable_graph();
  describe(*graph.add_output(), "probabilities", network.layers.back().outputs);

  set_attribute(add_node(graph, "Flatten", "flatten", "input", "pixels"), "axis", 1);
  std::string signal = "pixels";
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const std::string name = "dense" + std::to_string(i + 1);
    add_dense(graph, name, network.layers[i], signal, name + "_sum");
    add_node(graph, "Identity", name + "_activation", name + "_sum", name + "_output");
    signal = name + "_output";
  }
  set_attribute(add_node(graph, "Softmax", "softmax", signal, "probabilities"), "axis", 1);
  return bytes_of(model);
}

Bytes to_onnx(const HeadNetwork& network) {
  check(network);
  const AffineMap& head = network.head;
  onnx::ModelProto model = new_model(head.inputs);
  onnx::GraphProto& graph = *model.mutable_graph();

  std::string signal = "input";
  if (const auto& standardisation = network.standardisation) {
    add_node(graph, "Sub", "centre", signal, "centred").add_input("mean");
    add_tensor(graph, "mean", {head.inputs}, standardisation->mean);
    add_node(graph, "Div", "scale", "centred", "standardised").add_input("deviation");
    add_tensor(graph, "deviation", {head.inputs}, standardisation->deviation);
    signal = "standardised";
  }
  const DenseLayer layer{head.inputs, head.outputs, narrowed(head.weights), narrowed(head.bias)};
  switch (network.activation) {
    case OutputActivation::none:
      add_dense(graph, "head", layer, signal, "values");
      break;
    case OutputActivation::softmax:
      add_dense(graph, "head", layer, signal, "logits");
      set_attribute(add_node(graph, "Softmax", "softmax", "logits", "probabilities"), "axis", 1);
      break;
    case OutputActivation::sigmoid:
      add_dense(graph, "head", layer, signal, "logits");
      add_node(graph, "Sigmoid", "sigmoid", "logits", "probabilities");
      break;
    default:
      throw Error(ErrorKind::invalid_argument, "a head ends in a softmax, a sigmoid or nothing");
  }
  const bool quantities = network.activation == OutputActivation::none;
  describe(*graph.add_output(), quantities ? "values" : "probabilities", head.outputs);
  for (const auto& [key, value] : notes_to_metadata(network.notes)) {
    onnx::StringStringEntryProto& entry = *model.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  return bytes_of(model);
}

}  // namespace opaline
