#include <onnx/onnx_pb.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <map>
#include <set>

#include "opaline/base/error.h"
#include "opaline/model/onnx/evaluate.h"
#include "support/onnx_test_data.h"

using namespace opaline;
using namespace opaline::network;
namespace fs = std::filesystem;

// ONNX's own tests: a model, its inputs and the outputs that its authors computed with NumPy or PyTorch.
namespace {

template <typename Message>
Message read(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  Message message;
  REQUIRE(message.ParseFromIstream(&file));
  return message;
}

Opsets opsets_of(const onnx::ModelProto& model) {
  Opsets opsets;
  for (const onnx::OperatorSetIdProto& import : model.opset_import()) {
    (import.domain() == "ai.onnx.ml" ? opsets.machine_learning : opsets.standard) = import.version();
  }
  return opsets;
}

std::string numbered(const char* kind, int i) { return kind + std::string("_") + std::to_string(i) + ".pb"; }

/// The models of PyTorch are of operator set 6. What it says otherwise than set 7 are these attributes, which
/// state what set 7 takes for granted.
void bring_to_7(onnx::GraphProto& graph) {
  for (onnx::NodeProto& node : *graph.mutable_node()) {
    auto& attributes = *node.mutable_attribute();
    const auto granted = [](const auto& a) { return a.name() == "is_test" || a.name() == "broadcast"; };
    attributes.erase(std::remove_if(attributes.begin(), attributes.end(), granted), attributes.end());
  }
}

/// The model with its inputs as initialisers, and one of them (or, if it has none, anything) as the input.
struct Case {
  onnx::GraphProto graph;
  Opsets opsets;
  std::string input_name = "unused";
  Tensor input{{1}, std::vector<double>{0.0}};

  explicit Case(const fs::path& folder) {
    const auto model = read<onnx::ModelProto>(folder / "model.onnx");
    graph = model.graph();
    opsets = opsets_of(model);
    if (opsets.standard < 7) bring_to_7(graph);
    opsets.standard = std::max<std::int64_t>(opsets.standard, 7);
    std::set<std::string> stored;
    for (const onnx::TensorProto& tensor : graph.initializer()) stored.insert(tensor.name());
    for (int i = 0, given = 0; i < graph.input_size(); ++i) {
      const std::string& name = graph.input(i).name();
      if (name.empty() || stored.contains(name)) continue;
      auto tensor = read<onnx::TensorProto>(folder / "test_data_set_0" / numbered("input", given++));
      if (input_name == "unused") {
        input_name = name;
        input = decode_tensor(tensor);
      } else {
        tensor.set_name(name);
        *graph.add_initializer() = tensor;
      }
    }
  }

  Tensor run(const std::string& output) const {
    return *evaluate_graph(graph, opsets, input_name, input, output).at(output);
  }
};

std::vector<double> as_doubles(const Tensor& tensor) {
  return std::visit([](const auto& v) { return std::vector<double>(v.begin(), v.end()); }, tensor.values);
}

/// Why the two differ; empty if they do not. The data are of float, so 1e-5 of the largest entry is allowed.
std::string difference(const Tensor& found, const Tensor& expected) {
  if (found.shape != expected.shape) return to_string(found.shape) + " is not " + to_string(expected.shape);
  if (found.values.index() != expected.values.index()) return "of another type";
  const std::vector<double> a = as_doubles(found);
  const std::vector<double> b = as_doubles(expected);
  double largest = 0.0;
  for (const double value : b) largest = std::max(largest, std::abs(value));
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (!(std::abs(a[i] - b[i]) <= 1e-5 * largest)) {
      return "element " + std::to_string(i) + " is " + std::to_string(a[i]) + ", not " + std::to_string(b[i]);
    }
  }
  return "";
}

/// What goes wrong in a test; empty if nothing does.
std::string failure_of(const fs::path& folder) {
  try {
    const Case test(folder);
    for (int i = 0; i < test.graph.output_size(); ++i) {
      const auto expected = read<onnx::TensorProto>(folder / "test_data_set_0" / numbered("output", i));
      const std::string failure = difference(test.run(test.graph.output(i).name()), decode_tensor(expected));
      if (!failure.empty()) return test.graph.output(i).name() + ": " + failure;
    }
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// Operators that have to be evaluated, and how many tests of the folder "node" there are of each.
const std::map<std::string, int> kOperators{{"Abs", 1},
                                            {"Add", 23},
                                            {"ArgMax", 16},
                                            {"AveragePool", 13},
                                            {"Cast", 34},
                                            {"CastLike", 4},
                                            {"BatchNormalization", 2},
                                            {"Ceil", 2},
                                            {"Concat", 31},
                                            {"Constant", 39},
                                            {"ConstantOfShape", 22},
                                            {"Conv", 6},
                                            {"ConvTranspose", 10},
                                            {"Div", 31},
                                            {"Dropout", 6},
                                            {"Equal", 9},
                                            {"Exp", 2},
                                            {"Expand", 2},
                                            {"Flatten", 28},
                                            {"Floor", 2},
                                            {"Gather", 13},
                                            {"GatherElements", 21},
                                            {"GatherND", 3},
                                            {"Gemm", 11},
                                            {"GlobalAveragePool", 2},
                                            {"Identity", 1},
                                            {"LogSoftmax", 7},
                                            {"MatMul", 3},
                                            {"Max", 14},
                                            {"Mean", 3},
                                            {"Min", 14},
                                            {"Mul", 35},
                                            {"Neg", 30},
                                            {"Pad", 1},
                                            {"Pow", 15},
                                            {"Range", 2},
                                            {"Reciprocal", 21},
                                            {"ReduceMean", 30},
                                            {"ReduceSum", 21},
                                            {"Reshape", 29},
                                            {"Shape", 29},
                                            {"Sigmoid", 2},
                                            {"Size", 21},
                                            {"Slice", 45},
                                            {"Softmax", 7},
                                            {"Split", 7},
                                            {"Sqrt", 22},
                                            {"Squeeze", 20},
                                            {"Sub", 31},
                                            {"Sum", 3},
                                            {"Tile", 2},
                                            {"Transpose", 7},
                                            {"Unsqueeze", 26},
                                            {"Where", 9}};

/// Tests of these operators that are not for this evaluator, and why.
const char* const kNotFinite = "its data are not all finite, as weights have to be";
const char* const kNotRounded = "real numbers are doubles, they are not rounded to float16";
const char* const kText = "text is not evaluated";
const char* const kNoTensor = "its data are no tensors";
const char* const kTraining = "inference only";
const char* const kPadding = "pads with constants only";
const char* const kOldBroadcast = "broadcasts along an axis, which operator set 7 gave up";
const std::map<std::string, const char*> kLeftOut{
    {"test_operator_add_broadcast", kOldBroadcast},
    {"test_operator_add_size1_broadcast", kOldBroadcast},
    {"test_operator_add_size1_right_broadcast", kOldBroadcast},
    {"test_operator_add_size1_singleton_broadcast", kOldBroadcast},
    {"test_cast_BFLOAT16_to_FLOAT", kNotFinite},
    {"test_cast_FLOAT_to_BFLOAT16", kNotFinite},
    {"test_castlike_BFLOAT16_to_FLOAT", kNotFinite},
    {"test_castlike_BFLOAT16_to_FLOAT_expanded", kNotFinite},
    {"test_castlike_FLOAT_to_BFLOAT16", kNotFinite},
    {"test_castlike_FLOAT_to_BFLOAT16_expanded", kNotFinite},
    {"test_operator_pow", kNotFinite},
    {"test_operator_sqrt", kNotFinite},
    {"test_cast_FLOAT_to_FLOAT16", kNotRounded},
    {"test_cast_DOUBLE_to_FLOAT16", kNotRounded},
    {"test_castlike_FLOAT_to_FLOAT16", kNotRounded},
    {"test_castlike_FLOAT_to_FLOAT16_expanded", kNotRounded},
    {"test_castlike_DOUBLE_to_FLOAT16", kNotRounded},
    {"test_castlike_DOUBLE_to_FLOAT16_expanded", kNotRounded},
    {"test_cast_FLOAT_to_STRING", kText},
    {"test_cast_STRING_to_FLOAT", kText},
    {"test_castlike_FLOAT_to_STRING", kText},
    {"test_castlike_FLOAT_to_STRING_expanded", kText},
    {"test_castlike_STRING_to_FLOAT", kText},
    {"test_castlike_STRING_to_FLOAT_expanded", kText},
    {"test_identity_sequence", kNoTensor},
    {"test_identity_opt", kNoTensor},
    {"test_training_dropout", kTraining},
    {"test_training_dropout_default", kTraining},
    {"test_training_dropout_default_mask", kTraining},
    {"test_training_dropout_mask", kTraining},
    {"test_training_dropout_zero_ratio", kTraining},
    {"test_training_dropout_zero_ratio_mask", kTraining},
    {"test_batchnorm_epsilon_training_mode", kTraining},
    {"test_batchnorm_example_training_mode", kTraining},
    {"test_edge_pad", kPadding},
    {"test_reflect_pad", kPadding},
    {"test_operator_pad", kPadding},
    {"test_ReflectionPad2d", kPadding},
    {"test_ReplicationPad2d", kPadding},
};

/// The operators of a model, or none if one of them does not have to be evaluated.
std::set<std::string> operators_of(const fs::path& folder) {
  std::set<std::string> operators;
  const auto model = read<onnx::ModelProto>(folder / "model.onnx");
  for (const onnx::NodeProto& node : model.graph().node()) {
    if (!kOperators.contains(node.op_type())) return {};
    operators.insert(node.op_type());
  }
  return operators;
}

/// Runs every test of a folder that concerns the operators above; how many passed, by operator and in all.
std::map<std::string, int> run_folder(const char* name) {
  std::map<std::string, int> passed;
  for (const fs::directory_entry& entry : fs::directory_iterator(test::onnx_test_data() / name)) {
    const std::string test = entry.path().filename().string();
    const std::set<std::string> operators = operators_of(entry.path());
    if (operators.empty()) continue;
    const std::string failure = failure_of(entry.path());
    INFO(test << ": " << failure);
    if (kLeftOut.contains(test)) {
      CHECK_FALSE(failure.empty());  // Or else it is left out without a reason.
      continue;
    }
    CHECK(failure.empty());
    if (!failure.empty()) continue;
    ++passed["in all"];
    for (const std::string& type : operators) ++passed[type];
  }
  return passed;
}

}  // namespace

TEST_CASE("the operators compute what ONNX's own tests of them expect") {
  const std::map<std::string, int> passed = run_folder("node");
  CHECK(passed.at("in all") >= 330);
  for (const auto& [type, least] : kOperators) {
    INFO(type);
    CHECK((passed.contains(type) ? passed.at(type) : 0) >= least);
  }
}

TEST_CASE("the operators compute what PyTorch computed for the networks it wrote") {
  CHECK(run_folder("pytorch-converted").at("in all") >= 59);
  CHECK(run_folder("pytorch-operator").at("in all") >= 22);
  CHECK(run_folder("simple").at("in all") >= 4);
}
