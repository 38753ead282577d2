#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "opaline/model/onnx/tensor.h"
#include "opaline/model/onnx_network.h"

/// What stands behind a name of the graph while it is collapsed. Shapes are those of a batch of one image,
/// batch dimension included.
namespace opaline::network {

/// A tensor that is an affine function of the network's input, which has id 0. Tensors that hold the same
/// elements in another shape share their id.
struct Variable {
  std::size_t id = 0;
  Shape shape;
};

using Constant = std::shared_ptr<const Tensor>;

/// What a node that belongs to the client makes of the logits: probabilities or a class.
struct Finished {
  Variable logits;
  Shape shape;  ///< its own; a class has fewer elements than the logits
  OutputActivation activation = OutputActivation::none;
  std::vector<std::string> labels;  ///< names of the classes, if the node states them
  std::string maker;                ///< the node, as error texts name it
};

using Value = std::variant<Variable, Constant, Finished>;
using Values = std::vector<Value>;

}  // namespace opaline::network
