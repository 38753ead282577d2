#include "opaline/model/onnx_network.h"

#include <onnx/onnx_pb.h>

#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/model/onnx/graph.h"
#include "opaline/model/onnx/parsed_size.h"

namespace opaline {
namespace {

constexpr std::int64_t kOldestOpset = 7;
constexpr std::int64_t kNewestOpset = 21;
constexpr std::int64_t kNewestLearning = 4;
constexpr std::int64_t kOldestIr = 3;
constexpr std::int64_t kNewestIr = 10;

// What protobuf may take: 4 KiB for every node of the largest graph (kMostNodes in graph.cpp).
constexpr std::size_t kMostParsed = std::size_t{256} << 20;
static_assert(kOnnxLimit <= std::numeric_limits<int>::max(), "protobuf counts bytes in an int");

onnx::ModelProto parse_model(ByteView file) {
  if (file.size() > kOnnxLimit) {
    throw Error(ErrorKind::too_large, "is larger than " + std::to_string(kOnnxLimit >> 20) + " MiB");
  }
  const std::optional<std::size_t> size = network::parsed_size(file, kMostParsed);
  if (size && *size > kMostParsed) {
    throw Error(ErrorKind::too_large, "its nodes, attributes, names and whole numbers would take more than " +
                                          std::to_string(kMostParsed >> 20) + " MiB of memory");
  }
  onnx::ModelProto model;
  if (!size || !model.ParseFromArray(file.data(), static_cast<int>(file.size())) || !model.has_graph()) {
    throw Error(ErrorKind::damaged, "not an ONNX model, or truncated");
  }
  return model;
}

/// The version of an operator set that goes by one of two names; nothing if it is not imported.
std::optional<std::int64_t> opset_of(const onnx::ModelProto& model, std::string_view name,
                                     std::string_view other_name) {
  std::optional<std::int64_t> version;
  for (const auto& opset : model.opset_import()) {
    if (opset.domain() != name && opset.domain() != other_name) continue;
    if (version) throw Error(ErrorKind::unsupported_model, "states its operator set twice");
    version = opset.version();
  }
  return version;
}

network::Opsets opsets_of(const onnx::ModelProto& model) {
  const std::optional<std::int64_t> standard = opset_of(model, "", "ai.onnx");
  const std::optional<std::int64_t> learning = opset_of(model, "ai.onnx.ml", "ai.onnx.ml");
  // Models of scikit-learn may use ai.onnx.ml alone.
  if (!standard ? !learning : *standard < kOldestOpset || *standard > kNewestOpset) {
    throw Error(
        ErrorKind::unsupported_model,
        (standard ? "uses operator set " + std::to_string(*standard) : "does not state its operator set") +
            "; export the network with one from " + std::to_string(kOldestOpset) + " to " +
            std::to_string(kNewestOpset));
  }
  if (learning && (*learning < 1 || *learning > kNewestLearning)) {
    throw Error(ErrorKind::unsupported_model, "uses operator set " + std::to_string(*learning) +
                                                  " of ai.onnx.ml; export the model with one from 1 to " +
                                                  std::to_string(kNewestLearning));
  }
  return {standard.value_or(kNewestOpset), learning.value_or(0)};
}

void check_ir_version(const onnx::ModelProto& model) {
  if (model.ir_version() < kOldestIr || model.ir_version() > kNewestIr) {
    throw Error(ErrorKind::unsupported_model, "is of IR version " + std::to_string(model.ir_version()) +
                                                  "; export the network with one from " +
                                                  std::to_string(kOldestIr) + " to " +
                                                  std::to_string(kNewestIr));
  }
}

NetworkNotes notes_of(const onnx::ModelProto& model) {
  std::map<std::string, std::string> metadata;
  for (const auto& entry : model.metadata_props()) metadata.emplace(entry.key(), entry.value());
  return notes_from_metadata(metadata);
}

}  // namespace

ImportedNetwork import_onnx(ByteView file, const std::string& name) {
  try {
    onnx::ModelProto model = parse_model(file);
    check_ir_version(model);
    const network::Opsets opsets = opsets_of(model);
    return network::collapse(std::move(*model.mutable_graph()), opsets, notes_of(model));
  } catch (const Error& error) {
    throw Error(error.kind(), name + ": " + error.what());
  }
}

}  // namespace opaline
