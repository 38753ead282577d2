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
/// are doubles, all whole ones (int32, int64, bool, …) int64; a whole number that does not fit its type is an
/// error, it never wraps around. LinearClassifier's first output is the place of the largest score rather
/// than its label (with a single row of coefficients 1 if its score is positive, else 0), its second the
/// scores as they are before multi_class and post_transform, one a row of coefficients.
namespace opaline::network {

/// The versions of the operator sets that a model imports.
struct Opsets {
  std::int64_t standard = 0;          ///< domain "" or "ai.onnx"; 7 … 21
  std::int64_t machine_learning = 0;  ///< domain "ai.onnx.ml"; 0 if not imported
};

/// The outputs of one node, one a name in node.output(). `inputs` has one pointer a name in node.input(),
/// null where it is left out. Error(unsupported_model), naming the node, its operator and its output, for an
/// operator that is not known here, for shapes that do not fit and for results beyond the limits of a tensor;
/// Error(damaged) for attributes that contradict each other or do not belong to the operator set. A tensor
/// has at most 2^26 elements and 32 dimensions, a node at most 2^36 multiplications. An output that is left
/// out (its name is empty) may be an empty tensor.
std::vector<Tensor> evaluate_node(const onnx::NodeProto& node, std::span<const Tensor* const> inputs,
                                  const Opsets& opsets);

/// Every tensor of the graph by name, for one input tensor (initialisers decoded when needed). Nodes after
/// the one that makes `last` are not evaluated. Errors as evaluate_node, and Error(unsupported_model) for a
/// name that nothing makes; the limit of multiplications is that of all nodes together, and all tensors have
/// at most 2^28 elements.
std::map<std::string, std::shared_ptr<const Tensor>> evaluate_graph(const onnx::GraphProto& graph,
                                                                    const Opsets& opsets,
                                                                    const std::string& input_name,
                                                                    Tensor input, const std::string& last);

}  // namespace opaline::network
