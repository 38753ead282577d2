#pragma once

#include <onnx/onnx_pb.h>

#include <cstdint>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "opaline/model/onnx/tensor.h"

/// The operators on numbers, written from their definitions (ONNX Operators.md, Operators-ml.md) and
/// independent of the collapse: it folds constants and it proves what the collapse claims. All real numbers
/// are doubles, all whole ones (int32, int64, bool, …) int64.
namespace opaline::network {

/// The versions of the operator sets that a model imports.
struct Opsets {
  std::int64_t standard = 0;          ///< domain "" or "ai.onnx"; 7 … 21
  std::int64_t machine_learning = 0;  ///< domain "ai.onnx.ml"; 0 if not imported
};

/// The outputs of one node, one a name in node.output(). `inputs` has one pointer a name in node.input(),
/// null where it is left out. Error(unsupported_model), naming the node, its operator and its output, for an
/// operator that is not known here, for shapes that do not fit and for results beyond the limits of a tensor;
/// Error(damaged) for attributes that contradict each other.
std::vector<Tensor> evaluate_node(const onnx::NodeProto& node, std::span<const Tensor* const> inputs,
                                  const Opsets& opsets);

/// Every tensor of the graph by name, for one input tensor (initialisers decoded when needed). Nodes after
/// the one that makes `last` are not evaluated. Errors as evaluate_node.
std::map<std::string, std::shared_ptr<const Tensor>> evaluate_graph(const onnx::GraphProto& graph,
                                                                    const Opsets& opsets,
                                                                    const std::string& input_name,
                                                                    Tensor input, const std::string& last);

}  // namespace opaline::network
