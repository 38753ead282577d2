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
  std::vector<std::string> operators;  ///< those the outputs depend on, in order, for reports

  /// How far the map is from the network evaluated node by node on random inputs, relative to its largest
  /// output; at most 1e-9. Nothing if evaluating it would have taken more than 2^34 multiplications.
  std::optional<double> largest_difference;

  NetworkNotes notes;               ///< from the file's metadata
  std::vector<std::string> labels;  ///< names of the classes that the graph itself states; may be empty
  bool regression = false;          ///< the last node is a regressor of ai.onnx.ml
  /// Mean ± 6 deviations of each input if the network standardises its whole input first; empty otherwise.
  std::vector<InputRange> suggested_ranges;
};

/// Most dimensions of an input, without that of the batch.
inline constexpr std::size_t kMostInputDimensions = 8;

/// Largest ONNX file accepted: 256 MiB.
inline constexpr std::size_t kOnnxLimit = std::size_t{256} << 20;

/// Reads an ONNX model of operator sets 7 to 21, ai.onnx.ml 1 to 4, IR versions 3 to 10, with one input of
/// float or double, and collapses it into one affine map in double precision. Several outputs have to be made
/// of one affine tensor (logits, their Softmax, a class). The map is then compared with the network itself.
/// Throws Error(damaged) if it is not an ONNX model; Error(too_large) above kOnnxLimit, or if so many nodes,
/// names and numbers are in it that reading them would take more than 256 MiB; Error(unsupported_model),
/// naming the node, its operator and its output and saying what would help, if the graph is not affine in its
/// input or mixes the images of a batch; Error(fault) if map and network disagree. `name` (the file's) opens
/// every error text.
ImportedNetwork import_onnx(ByteView file, const std::string& name);

}  // namespace opaline
