#pragma once

#include <onnx/onnx_pb.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "opaline/model/affine_map.h"
#include "opaline/model/network_notes.h"
#include "opaline/model/onnx/evaluate.h"
#include "opaline/model/onnx/graph_input.h"

/// What the collapse says is held against the graph itself, evaluated node by node on random inputs.
namespace opaline::network {

/// The map from the graph's input to one of its tensors.
struct Claim {
  GraphInput input;
  std::string output;
  std::vector<InputRange> ranges;      ///< of each input; normally distributed ones are drawn if empty
  std::uint64_t multiplications = 0;   ///< for one image, about
  std::uint64_t elements = 0;          ///< of all tensors for one image, about
  std::vector<std::size_t> positions;  ///< of the graph's nodes in the file, for error texts
  std::function<AffineMap()>
      sizes;  ///< the map with every term's absolute value; asked for if the map seems wrong
};

/// The largest difference between map and graph, on eight inputs, relative to the largest absolute output;
/// nothing if evaluating them would take more than 2^34 multiplications or 2^27 numbers. If it is above 1e-9:
/// Error(unsupported_model) if every difference is within 1e-9 of the sum of the absolute terms, which is to
/// say that the outputs are small differences of large numbers and mostly rounding, or if the graph's own
/// numbers overflow; Error(fault) otherwise. If the batch is open, Error(unsupported_model), naming the node,
/// if one image's answer depends on the other one's in a batch of two; a graph whose shapes are fixed for one
/// image passes.
std::optional<double> check_claim(const onnx::GraphProto& graph, const Opsets& opsets, const AffineMap& map,
                                  const Claim& claim);

}  // namespace opaline::network
