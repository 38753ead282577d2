#pragma once

#include <onnx/onnx_pb.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "opaline/model/affine_map.h"
#include "opaline/model/onnx/tensor.h"
#include "opaline/model/onnx_network.h"

/// Collapsing a graph of affine nodes, in two passes. Forwards, every node checks itself, works out its shape
/// and leaves a step behind. Backwards, the steps carry the network's output as a function of a tensor,
///     output = M · tensor + offset   (M has one row an output, one column an element),
/// from the output, where M is the identity, to the input, where it is the answer. M stays as narrow as the
/// network has outputs, which is far cheaper than carrying each tensor as a function of the input.
namespace opaline::network {

/// Row by row.
struct Matrix {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<double> entries;
};

/// A tensor that depends on the network's input, which has id 0. Tensors that hold the same elements in
/// another shape share their id. The batch dimension, always the first, is not part of the shape.
struct Variable {
  std::size_t id = 0;
  Shape shape;
};

using Constant = std::shared_ptr<const Tensor>;
using Value = std::variant<Variable, Constant>;

/// What the backward pass has gathered so far.
class BackwardPass {
 public:
  /// `variables` tensors; the one called `output` (of `outputs` elements) gets the identity.
  BackwardPass(std::size_t variables, std::size_t output, std::size_t outputs);

  /// A matrix of zeros. Error(unsupported_model) if all held together would be too large.
  Matrix zeros(std::size_t rows, std::size_t columns) const;

  /// A step reports: the output depends on `id` through `share` as well.
  void add(std::size_t id, Matrix share);

  /// A step reports: its node added this constant, one number a column of `share`, times `factor`.
  void add_constant(const Matrix& share, const std::vector<double>& constant, double factor);

  /// The matrix gathered for a tensor, which is given up; nothing if the output does not depend on it.
  std::optional<Matrix> take(std::size_t id);

  const std::vector<double>& offset() const { return offset_; }

 private:
  std::vector<std::optional<Matrix>> shares_;
  std::vector<double> offset_;
  std::size_t entries_ = 0;
};

/// Turns the matrix of a node's output into matrices of its inputs and a constant.
using Step = std::function<void(Matrix share, BackwardPass& pass)>;

/// What the nodes share in the forward pass.
class ForwardPass {
 public:
  ForwardPass(std::int64_t opset, bool batch_of_one) : opset_(opset), batch_of_one_(batch_of_one) {}

  std::int64_t opset() const { return opset_; }
  bool batch_of_one() const { return batch_of_one_; }

  /// A new tensor made by `step`. Error(unsupported_model) if it has too many elements.
  Variable make(Shape shape, Step step);

  /// The node at hand is the network's last and belongs to the client.
  void finish(OutputActivation activation) { activation_ = activation; }
  OutputActivation activation() const { return activation_; }

  const std::vector<Step>& steps() const { return steps_; }  ///< the step behind tensor id i + 1

 private:
  std::int64_t opset_;
  bool batch_of_one_;
  OutputActivation activation_ = OutputActivation::none;
  std::vector<Step> steps_;
};

/// One node with its inputs looked up.
class Node {
 public:
  enum class Place { inside, makes_the_output };

  Node(const onnx::NodeProto& node, std::vector<std::optional<Value>> inputs, Place place)
      : node_(&node), inputs_(std::move(inputs)), place_(place) {}

  const std::string& type() const { return node_->op_type(); }
  Place place() const { return place_; }

  /// The input's value; null where it is left out or of the other sort.
  const Variable* variable(std::size_t i) const { return input<Variable>(i); }
  const Tensor* constant(std::size_t i) const;
  Constant shared_constant(std::size_t i) const;
  bool has_input(std::size_t i) const { return i < inputs_.size() && inputs_[i].has_value(); }

  /// The same, where the operator cannot do without; an error otherwise.
  const Variable& need_variable(std::size_t i) const;
  Constant need_numbers(std::size_t i) const;                           ///< float or double
  const std::vector<std::int64_t>& need_integers(std::size_t i) const;  ///< int64

  const onnx::AttributeProto* attribute(std::string_view name) const;
  std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
  double number(std::string_view name, double otherwise) const;

  /// Error(unsupported_model) that names the node, its operator and its output.
  [[noreturn]] void refuse(const std::string& why) const;

 private:
  template <typename T>
  const T* input(std::size_t i) const {
    return has_input(i) ? std::get_if<T>(&*inputs_[i]) : nullptr;
  }

  const onnx::NodeProto* node_;
  std::vector<std::optional<Value>> inputs_;
  Place place_;
};

/// The graph collapsed. Error(damaged) or Error(unsupported_model), without the file's name.
ImportedNetwork collapse(const onnx::GraphProto& graph, std::int64_t opset);

}  // namespace opaline::network
