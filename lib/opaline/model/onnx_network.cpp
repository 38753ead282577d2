#include "opaline/model/onnx_network.h"

#include <onnx/onnx_pb.h>

#include <limits>
#include <optional>

#include "opaline/base/error.h"
#include "opaline/model/onnx/graph.h"

namespace opaline {
namespace {

constexpr std::int64_t kOldestOpset = 7;
constexpr std::int64_t kNewestOpset = 21;
static_assert(kOnnxLimit <= std::numeric_limits<int>::max(), "protobuf counts bytes in an int");

onnx::ModelProto parse_model(ByteView file) {
  if (file.size() > kOnnxLimit) {
    throw Error(ErrorKind::too_large, "is larger than " + std::to_string(kOnnxLimit >> 20) + " MiB");
  }
  onnx::ModelProto model;
  if (!model.ParseFromArray(file.data(), static_cast<int>(file.size())) || !model.has_graph()) {
    throw Error(ErrorKind::damaged, "not an ONNX model, or truncated");
  }
  return model;
}

std::int64_t standard_opset(const onnx::ModelProto& model) {
  std::optional<std::int64_t> version;
  for (const auto& opset : model.opset_import()) {
    if (!opset.domain().empty() && opset.domain() != "ai.onnx") continue;
    if (version) throw Error(ErrorKind::unsupported_model, "states its operator set twice");
    version = opset.version();
  }
  if (!version || *version < kOldestOpset || *version > kNewestOpset) {
    throw Error(
        ErrorKind::unsupported_model,
        (version ? "uses operator set " + std::to_string(*version) : "does not state its operator set") +
            "; export the network with one from " + std::to_string(kOldestOpset) + " to " +
            std::to_string(kNewestOpset));
  }
  return *version;
}

}  // namespace

ImportedNetwork import_onnx(ByteView file, const std::string& name) {
  try {
    const onnx::ModelProto model = parse_model(file);
    return network::collapse(model.graph(), standard_opset(model));
  } catch (const Error& error) {
    throw Error(error.kind(), name + ": " + error.what());
  }
}

}  // namespace opaline
