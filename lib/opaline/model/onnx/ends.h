#pragma once

#include <span>
#include <string>
#include <vector>

#include "opaline/model/onnx/value.h"

namespace opaline::network {

/// An output of the graph.
struct NamedValue {
  std::string name;
  Value value;
};

/// The affine tensor that a graph's outputs are made of, and what the client makes of it.
struct End {
  Variable logits;
  OutputActivation activation = OutputActivation::none;
  std::vector<std::string> labels;
};

/// Of several outputs, probabilities count before logits, and these before a class. At least one output.
/// Error(unsupported_model), saying which outputs disagree, if they are made of different tensors.
End common_end(std::span<const NamedValue> outputs);

}  // namespace opaline::network
