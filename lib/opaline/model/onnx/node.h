#pragma once

#include <onnx/onnx_pb.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "opaline/model/onnx/evaluate.h"
#include "opaline/model/onnx/value.h"

namespace opaline::network {

/// Most dimensions of a tensor.
inline constexpr std::size_t kMostDimensions = 32;

/// A node as error texts name it: its name or position, its operator and its first output.
std::string title_of(const onnx::NodeProto& node, std::size_t position);

/// One node of the graph with its inputs looked up.
class Node {
 public:
  enum class Place { inside, makes_an_output };

  /// `position` counts the graph's nodes from 1.
  Node(const onnx::NodeProto& node, std::size_t position, std::vector<std::optional<Value>> inputs,
       Place place, const Opsets& opsets)
      : node_(&node), position_(position), inputs_(std::move(inputs)), place_(place), opsets_(opsets) {}

  const std::string& type() const { return node_->op_type(); }
  const onnx::NodeProto& proto() const { return *node_; }
  Place place() const { return place_; }
  const Opsets& opsets() const { return opsets_; }
  std::int64_t opset() const { return opsets_.standard; }
  std::size_t outputs() const { return static_cast<std::size_t>(node_->output_size()); }
  std::size_t inputs() const { return inputs_.size(); }

  /// The input's value; null where it is left out or of the other sort.
  const Variable* variable(std::size_t i) const { return input<Variable>(i); }
  const Finished* finished(std::size_t i) const { return input<Finished>(i); }
  Constant constant(std::size_t i) const;
  bool has_input(std::size_t i) const { return i < inputs_.size() && inputs_[i].has_value(); }

  /// The same node with another value for input 0.
  Node with_first_input(Value value) const;

  /// The same, where the operator cannot do without; an error otherwise.
  const Variable& need_variable(std::size_t i) const;
  Constant need_numbers(std::size_t i) const;                           ///< float or double
  const std::vector<std::int64_t>& need_integers(std::size_t i) const;  ///< whole numbers, at most one row
  const Shape& need_shape(std::size_t i) const;                         ///< of a variable or a constant

  /// Attributes. Error(unsupported_model) for one of another type than asked for.
  const onnx::AttributeProto* attribute(std::string_view name) const;
  std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
  bool is_set(std::string_view name) const { return integer(name, 0) != 0; }
  double number(std::string_view name, double otherwise) const;
  std::string text(std::string_view name, const std::string& otherwise) const;
  std::optional<std::vector<std::int64_t>> integers(std::string_view name) const;
  std::vector<double> numbers(std::string_view name) const;
  std::vector<std::string> texts(std::string_view name) const;

  /// A list that was an attribute before operator set `since` and is input `i` from then on.
  std::optional<std::vector<std::int64_t>> list(std::string_view name, std::size_t i,
                                                std::int64_t since) const;

  /// An axis counted from 0 or back from `rank`.
  std::size_t axis(std::int64_t given, std::size_t rank) const;

  /// Which of `rank` axes are in a list, none twice.
  std::vector<bool> axes(const std::vector<std::int64_t>& given, std::size_t rank) const;

  /// The shape itself. Error(unsupported_model) if it has too many dimensions or elements, or none.
  Shape checked(Shape shape) const;

  /// The node as error texts name it.
  std::string title() const { return title_of(*node_, position_); }

  /// Error(unsupported_model) that names the node.
  [[noreturn]] void refuse(const std::string& why) const;

 private:
  template <typename T>
  const T* input(std::size_t i) const {
    return has_input(i) ? std::get_if<T>(&*inputs_[i]) : nullptr;
  }

  const onnx::NodeProto* node_;
  std::size_t position_;
  std::vector<std::optional<Value>> inputs_;
  Place place_;
  Opsets opsets_;
};

/// The constant's elements, which `need_numbers` has found to be such.
inline const std::vector<double>& numbers_of(const Tensor& tensor) {
  return std::get<std::vector<double>>(tensor.values);
}

/// A constant of numbers of our own.
Constant make_constant(Shape shape, std::vector<double> values);

}  // namespace opaline::network
