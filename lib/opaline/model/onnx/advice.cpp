#include "opaline/model/onnx/advice.h"

#include <algorithm>
#include <array>
#include <span>
#include <string_view>

#include "opaline/model/onnx/operators.h"
#include "opaline/model/onnx/quoted.h"

namespace opaline::network {
namespace {

using Names = std::span<const std::string_view>;

constexpr std::array<std::string_view, 31> kNonlinear = {
    "Abs",   "Celu",    "Clip",           "Cos",       "Elu",        "Erf",      "Exp",
    "Gelu",  "Hardmax", "HardSigmoid",    "HardSwish", "LeakyRelu",  "Log",      "Max",
    "Min",   "Mish",    "PRelu",          "Pow",       "Reciprocal", "Relu",     "Round",
    "Selu",  "Shrink",  "Sign",           "Sin",       "Softplus",   "Softsign", "Sqrt",
    "Swish", "Tanh",    "ThresholdedRelu"};
constexpr std::array<std::string_view, 4> kMaxima = {"GlobalLpPool", "GlobalMaxPool", "LpPool", "MaxPool"};
constexpr std::array<std::string_view, 7> kNormalisations = {
    "GroupNormalization",        "InstanceNormalization", "LRN", "LayerNormalization", "LpNormalization",
    "MeanVarianceNormalization", "RMSNormalization"};
constexpr std::array<std::string_view, 14> kDecisions = {
    "And",  "ArgMin",      "BitwiseAnd", "BitwiseNot", "BitwiseOr", "Equal", "Greater", "GreaterOrEqual",
    "Less", "LessOrEqual", "Not",        "Or",         "TopK",      "Xor"};
constexpr std::array<std::string_view, 3> kControl = {"If", "Loop", "Scan"};
constexpr std::array<std::string_view, 3> kRecurrent = {"GRU", "LSTM", "RNN"};
constexpr std::array<std::string_view, 8> kMeasures = {"ReduceL1",        "ReduceL2",       "ReduceLogSum",
                                                       "ReduceLogSumExp", "ReduceMax",      "ReduceMin",
                                                       "ReduceProd",      "ReduceSumSquare"};

bool contains(Names names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_quantised(std::string_view type) {
  return type.starts_with("QLinear") || type.starts_with("Quantize") || type.starts_with("Dequantize") ||
         type.starts_with("DynamicQuantize") || type.ends_with("Integer");
}

}  // namespace

std::string advice_for(const Node& node) {
  const std::string_view type = node.type();
  const std::string_view domain = node.proto().domain();
  if (!domain.empty() && domain != "ai.onnx" && !is_machine_learning(domain)) {
    return "the operator domain " + quoted(domain) + " is not supported; export with standard operators";
  }
  if (contains(kNonlinear, type)) {
    if (node.place() == Node::Place::makes_an_output) {
      return "is not affine; end the network before it and let the client apply it to the answers, or put "
             "the "
             "identity in its place and train the network again";
    }
    return "is not affine; put the identity in its place and train the network again, best on a public "
           "feature "
           "map that the client computes";
  }
  if (contains(kDecisions, type)) {
    return "is not affine; end the network before it and let the client decide by the answers, or put the "
           "identity in its place and train the network again";
  }
  if (contains(kMaxima, type)) {
    return "is not affine; put an average in place of the maximum (AveragePool) and train the network again";
  }
  if (contains(kNormalisations, type)) {
    return "is not affine, its factor depends on the image; put BatchNormalization in its place and train "
           "the "
           "network again";
  }
  if (contains(kMeasures, type)) {
    return "is not affine; take sums or averages (ReduceSum, ReduceMean) and train the network again";
  }
  if (type == "Normalizer") {
    return "is not affine; end the model before it and let the client normalise the answers, or export it "
           "with "
           "raw scores";
  }
  if (is_quantised(type)) return "works on quantised numbers; export the float network, Opaline quantises it";
  if (contains(kControl, type)) {
    return "is control flow; export the network without, for one fixed shape of input";
  }
  if (contains(kRecurrent, type)) return "is not affine; a recurrent network cannot be collapsed";
  return "this operator is not supported; export the network with these alone: " + known_operators();
}

}  // namespace opaline::network
