#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "opaline/base/bytes.h"
#include "opaline/model/affine_map.h"
#include "opaline/model/network_notes.h"

namespace opaline {

/// A monotone last node, which the client applies to the decrypted logits; the server never sees it.
enum class OutputActivation { none, softmax, log_softmax, sigmoid, argmax };

/// A network as it came from an ONNX file, collapsed.
struct ImportedNetwork {
  AffineMap map;
  std::vector<std::size_t> input_shape;  ///< without the batch dimension: {784} or {1, 28, 28}
  OutputActivation activation = OutputActivation::none;
  std::vector<std::string> operators;  ///< the graph's operators in order, for reports
  NetworkNotes notes;
  std::vector<std::string> labels;  ///< the classes' names, if the graph has them
  bool regression = false;          ///< the graph says that its outputs are quantities
  std::vector<InputRange>
      suggested_ranges;  ///< one an input, by a standardisation at the graph's beginning; or none
  std::optional<double> largest_difference;  ///< between the map and the graph, to the largest output
};

/// Most dimensions of an input, without that of the batch.
inline constexpr std::size_t kMostInputDimensions = 8;

/// Largest ONNX file accepted: 256 MiB.
inline constexpr std::size_t kOnnxLimit = std::size_t{256} << 20;

/// Reads an ONNX model (one input, one output, float or double) and collapses it into one affine map in
/// double precision. Throws Error(damaged) if it is not an ONNX model, and Error(unsupported_model), naming
/// the node, its operator and its output and saying what would help, if the graph is not affine in its input.
/// `name` (the file's) opens every error text.
ImportedNetwork import_onnx(ByteView file, const std::string& name);

}  // namespace opaline
