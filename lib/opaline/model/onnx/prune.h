#pragma once

#include <onnx/onnx_pb.h>

#include <cstddef>
#include <vector>

namespace opaline::network {

/// Takes the nodes out of the graph that its outputs do not depend on, and returns the positions, counted
/// from 1, of those that stay. Error(unsupported_model) if a node makes a tensor
/// that another node or an initialiser makes as well.
std::vector<std::size_t> prune(onnx::GraphProto& graph);

}  // namespace opaline::network
