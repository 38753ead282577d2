#include <algorithm>
#include <cmath>

#include "fuzz/targets/targets.h"
#include "fuzz/wire_fields.h"
#include "model/network_builder.h"
#include "opaline/model/onnx_network.h"
#include "opaline/model/quantise.h"
#include "opaline/model/training/head_network.h"
#include "opaline/model/training/trainer.h"

namespace opaline::fuzz {
namespace {

using test::NetworkBuilder;
using Integers = std::vector<std::int64_t>;

constexpr std::size_t kFewWeights = 4096;

std::vector<float> counted(std::size_t count) {
  std::vector<float> values;
  for (std::size_t i = 0; i < count; ++i) values.push_back(static_cast<float>(i % 7) - 3);
  return values;
}

Bytes convolution() {
  NetworkBuilder network({1, 5, 4});
  network.numbers("kernel", {2, 1, 3, 2}, counted(12));
  network.numbers("scale", {2}, {1, 2});
  network.numbers("variance", {2}, {1, 4});
  network.numbers("dense", {3, 6}, counted(18));
  onnx::NodeProto& conv = network.node("Conv", {"x", "kernel"}, "a");
  NetworkBuilder::attribute(conv, "pads", Integers{0, 1, 0, 0});
  NetworkBuilder::attribute(conv, "strides", Integers{1, 2});
  network.node("BatchNormalization", {"a", "scale", "scale", "scale", "variance"}, "b");
  NetworkBuilder::attribute(network.node("AveragePool", {"b"}, "c"), "kernel_shape", Integers{1, 2});
  network.node("Flatten", {"c"}, "d");
  NetworkBuilder::attribute(network.node("Gemm", {"d", "dense"}, "e"), "transB", std::int64_t{1});
  NetworkBuilder::attribute(network.node("Softmax", {"e"}, "y"), "axis", std::int64_t{1});
  return network.bytes();
}

Bytes shapes() {
  NetworkBuilder network({2, 3, 4});
  network.integers("shape", {0, 6, 4});
  network.integers("starts", {1});
  network.integers("ends", {-1});
  network.integers("axes", {1});
  network.integers("splits", {1, 3});
  network.integers("pads", {0, 0, 1, 0, 1, 0});
  network.integers("which", {2, 0});
  network.node("Reshape", {"x", "shape"}, "a");
  NetworkBuilder::attribute(network.node("Transpose", {"a"}, "b"), "perm", Integers{0, 2, 1});
  network.node("Slice", {"a", "starts", "ends", "axes"}, "c");
  onnx::NodeProto& split = network.node("Split", {"c", "splits"}, "d");
  split.add_output("e");
  NetworkBuilder::attribute(split, "axis", std::int64_t{1});
  NetworkBuilder::attribute(network.node("ReduceMean", {"e"}, "f"), "axes", Integers{1});
  network.node("Add", {"d", "f"}, "g");
  network.node("Pad", {"g", "pads"}, "h");
  NetworkBuilder::attribute(network.node("Gather", {"h", "which"}, "i"), "axis", std::int64_t{2});
  network.node("Neg", {"i"}, "j");
  NetworkBuilder::attribute(network.node("Concat", {"i", "j"}, "k"), "axis", std::int64_t{1});
  network.node("Unsqueeze", {"k", "axes"}, "l");
  network.node("Squeeze", {"l", "axes"}, "m");
  network.node("Flatten", {"m"}, "y");
  return network.bytes();
}

Bytes constants() {
  NetworkBuilder network({3});
  network.node("Shape", {"x"}, "a");
  NetworkBuilder::attribute(network.node("Cast", {"a"}, "b"), "to", std::int64_t{1});
  network.numbers("two", {}, {2});
  network.numbers("three", {3}, {1, 2, 3});
  network.node("Sqrt", {"two"}, "c");
  network.node("Mul", {"x", "c"}, "d");
  network.node("Sub", {"d", "three"}, "e");
  network.node("Div", {"e", "three"}, "f");
  network.node("Sum", {"f", "d", "three"}, "g");
  NetworkBuilder::attribute(network.node("Identity", {"g"}, "h"), "unknown", std::string("x"));
  network.numbers("matrix", {3, 2}, counted(6));
  network.node("MatMul", {"h", "matrix"}, "i");
  network.node("Sigmoid", {"i"}, "y");
  return network.bytes();
}

Bytes learned() {
  NetworkBuilder network({2});
  network.machine_learning(1);
  onnx::NodeProto& scaler = network.node("Scaler", {"x"}, "a");
  scaler.set_domain("ai.onnx.ml");
  NetworkBuilder::attribute(scaler, "offset", std::vector<float>{1, 2});
  NetworkBuilder::attribute(scaler, "scale", std::vector<float>{0.5F, 0.25F});
  onnx::NodeProto& classifier = network.node("LinearClassifier", {"a"}, "label");
  classifier.set_domain("ai.onnx.ml");
  classifier.add_output("y");
  NetworkBuilder::attribute(classifier, "coefficients", counted(6));
  NetworkBuilder::attribute(classifier, "intercepts", counted(3));
  NetworkBuilder::attribute(classifier, "classlabels_ints", Integers{4, 5, 6});
  NetworkBuilder::attribute(classifier, "post_transform", std::string("SOFTMAX"));
  return network.bytes();
}

Bytes head() {
  HeadNetwork network;
  network.head = {2, 1, {0.5, -2}, {1}};
  network.standardisation = Standardisation{{1, 2}, {3, 4}};
  network.notes.columns = {"size", "age"};
  network.notes.answers = {"price"};
  network.notes.regression = true;
  network.notes.ranges = {{0, 10}, {-1, 1}};
  return to_onnx(network);
}

std::vector<Bytes> seeds() {
  TrainedNetwork dense;
  dense.layers.push_back({4, 3, counted(12), counted(3)});
  dense.layers.push_back({3, 2, counted(6), counted(2)});
  return {convolution(), shapes(), constants(), learned(), head(), to_onnx(dense)};
}

void quantise_too(const ImportedNetwork& network) {
  accepted({ErrorKind::invalid_argument, ErrorKind::does_not_fit, ErrorKind::unsupported_model}, [&] {
    const CompiledModel model = quantise(network, {}).model;
    const Bytes file = model.serialise();
    require(CompiledModel::parse(file, "model").client_spec().model_id == model.client_spec().model_id,
            "a model is read as it was written");
  });
}

void run(ByteView input) {
  accepted({ErrorKind::damaged, ErrorKind::unsupported_model, ErrorKind::too_large}, [&] {
    const ImportedNetwork network = import_onnx(input, "input");
    const AffineMap& map = network.map;
    require(map.inputs > 0 && map.inputs <= kMostInputs && map.outputs > 0 && map.outputs <= kMostOutputs,
            "a map has sizes within the limits");
    require(map.weights.size() == map.inputs * map.outputs && map.bias.size() == map.outputs,
            "a map is whole");
    std::size_t inputs = 1;
    for (const std::size_t size : network.input_shape) inputs *= size;
    require(inputs == map.inputs, "the input's shape is that of the map");
    require(!network.largest_difference || *network.largest_difference <= 1e-9,
            "a map is what the graph says");
    if (map.weights.size() <= kFewWeights) quantise_too(network);
  });
}

}  // namespace

FuzzTarget onnx_target() { return {"onnx", seeds, run, mutate_message, 200}; }

}  // namespace opaline::fuzz
