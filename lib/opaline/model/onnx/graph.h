#pragma once

#include <onnx/onnx_pb.h>

#include "opaline/model/network_notes.h"
#include "opaline/model/onnx/evaluate.h"
#include "opaline/model/onnx_network.h"

/// Collapsing a graph that is affine in its input, in two passes. Forwards, every node that the outputs
/// depend on is folded, if its inputs are constant, or works out its shape for a batch of one image and
/// leaves its steps behind. Backwards (backward.h), the steps carry the network's output as a function of a
/// tensor from the output to the input. What comes out is then held against the graph itself (proof.h).
namespace opaline::network {

/// Error(damaged), Error(unsupported_model) or Error(fault), without the file's name. `notes` are handed on;
/// their ranges are those that the proof draws its inputs from.
ImportedNetwork collapse(onnx::GraphProto graph, const Opsets& opsets, NetworkNotes notes);

}  // namespace opaline::network
