#include <onnx/onnx_pb.h>

#include <limits>
#include <string>

#include "opaline/base/error.h"
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

}  // namespace

Bytes to_onnx(const TrainedNetwork& network) {
  check(network.layers);
  onnx::ModelProto model;
  model.set_ir_version(kIrVersion);
  model.set_producer_name("opaline");
  model.add_opset_import()->set_version(kOpset);
  onnx::GraphProto& graph = *model.mutable_graph();
  graph.set_name("network");
  describe(*graph.add_input(), "input", network.layers.front().inputs);
  describe(*graph.add_output(), "probabilities", network.layers.back().outputs);

  set_attribute(add_node(graph, "Flatten", "flatten", "input", "pixels"), "axis", 1);
  std::string signal = "pixels";
  for (std::size_t i = 0; i < network.layers.size(); ++i) {
    const DenseLayer& layer = network.layers[i];
    const std::string name = "dense" + std::to_string(i + 1);
    onnx::NodeProto& gemm = add_node(graph, "Gemm", name, signal, name + "_sum");
    gemm.add_input(name + "_weights");
    gemm.add_input(name + "_bias");
    set_attribute(gemm, "transB", 1);
    add_tensor(graph, name + "_weights", {layer.outputs, layer.inputs}, layer.weights);
    add_tensor(graph, name + "_bias", {layer.outputs}, layer.bias);
    add_node(graph, "Identity", name + "_activation", name + "_sum", name + "_output");
    signal = name + "_output";
  }
  set_attribute(add_node(graph, "Softmax", "softmax", signal, "probabilities"), "axis", 1);

  Bytes file(model.ByteSizeLong());
  if (file.size() > std::size_t{std::numeric_limits<int>::max()} ||
      !model.SerializeToArray(file.data(), static_cast<int>(file.size()))) {
    throw Error(ErrorKind::too_large, "the network is too large for an ONNX file");
  }
  return file;
}

}  // namespace opaline
