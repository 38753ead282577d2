#pragma once

#include <onnx/onnx_pb.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "opaline/model/onnx/evaluate.h"
#include "opaline/model/onnx/tensor.h"

/// What the evaluated operators share: their node with its inputs, attributes, limits and errors.
namespace opaline::network::evaluation {

using Numbers = std::vector<double>;
using Integers = std::vector<std::int64_t>;
using Outputs = std::vector<Tensor>;

inline constexpr std::size_t kMostElements = std::size_t{1} << 26;  ///< of one tensor
inline constexpr std::size_t kMostDimensions = 32;                  ///< of one tensor
inline constexpr std::uint64_t kMostWork = std::uint64_t{1} << 36;  ///< multiply-adds of a node or a graph

inline std::int64_t to_signed(std::size_t size) { return static_cast<std::int64_t>(size); }
inline std::size_t to_size(std::int64_t number) { return static_cast<std::size_t>(number); }

/// What may still be computed.
class Budget {
 public:
  explicit Budget(std::uint64_t steps) : left_(steps) {}

  /// Takes a product of factors off; false, and nothing taken, if that is more than is left.
  bool spend(std::initializer_list<std::size_t> factors);

 private:
  std::uint64_t left_;
};

/// One node with its inputs at hand. What is asked for and is not there, or is of another type, is an Error:
/// damaged for attributes, unsupported_model for inputs.
class Call {
 public:
  /// Error(unsupported_model) for inputs beyond the limits above. The arguments have to outlive the call.
  Call(const onnx::NodeProto& node, std::span<const Tensor* const> inputs, const Opsets& opsets,
       Budget& budget);

  std::int64_t opset() const { return opsets_.standard; }
  std::size_t inputs() const { return inputs_.size(); }
  std::size_t outputs() const { return static_cast<std::size_t>(node_->output_size()); }

  bool has_input(std::size_t i) const { return i < inputs_.size() && inputs_[i] != nullptr; }
  const Tensor& input(std::size_t i) const;
  const Numbers& numbers(std::size_t i) const;
  const Integers& integers(std::size_t i) const;
  /// Whole numbers in one row, or a single one.
  const Integers& row(std::size_t i) const;

  bool has_attribute(std::string_view name) const { return find(name) != nullptr; }
  std::int64_t integer(std::string_view name, std::int64_t otherwise) const;
  double number(std::string_view name, double otherwise) const;
  std::string text(std::string_view name, const std::string& otherwise) const;
  std::optional<Integers> integer_list(std::string_view name) const;
  std::optional<Numbers> number_list(std::string_view name) const;
  std::optional<Tensor> tensor(std::string_view name) const;

  /// A list that moved from the attributes to the inputs with operator set `moved`.
  std::optional<Integers> list(std::string_view name, std::size_t place, std::int64_t moved) const;

  /// An axis counted from the end if negative, of `rank` of them.
  std::size_t axis(std::int64_t given, std::size_t rank) const;
  /// The same for several, none twice.
  std::vector<std::size_t> axes(const Integers& given, std::size_t rank) const;
  /// A dimension that an operator was given.
  std::size_t dimension(std::int64_t given) const;
  Shape shape(const Integers& given) const;

  /// The number of elements of a result. Error(unsupported_model) beyond the limits above.
  std::size_t count(const Shape& shape) const;
  /// Accounts for a product of factors. Error(unsupported_model) if that is too much.
  void work(std::initializer_list<std::size_t> factors) const;

  /// Error(unsupported_model) and Error(damaged), naming the node, its operator and its output.
  [[noreturn]] void refuse(const std::string& why) const;
  [[noreturn]] void damaged(const std::string& why) const;

 private:
  const onnx::AttributeProto* find(std::string_view name) const;
  const onnx::AttributeProto* find(std::string_view name, onnx::AttributeProto::AttributeType type) const;
  std::string place() const;

  const onnx::NodeProto* node_;
  std::span<const Tensor* const> inputs_;
  Opsets opsets_;
  Budget* budget_;
};

/// One operator: what its nodes may have and how it is computed.
struct Operator {
  std::string_view type;
  std::size_t fewest_inputs;
  std::size_t most_inputs;
  std::vector<std::string_view> attributes;  ///< of any version; the operator checks what its own has
  Outputs (*apply)(const Call& call);
};

inline constexpr std::size_t kAnyNumber = std::size_t{1} << 16;  ///< of inputs

/// The tables of operators, one a source file.
const std::vector<Operator>& elementwise_operators();
const std::vector<Operator>& cast_operators();
const std::vector<Operator>& constant_operators();
const std::vector<Operator>& shape_operators();
const std::vector<Operator>& selection_operators();
const std::vector<Operator>& product_operators();
const std::vector<Operator>& window_operators();
const std::vector<Operator>& axis_operators();
const std::vector<Operator>& machine_learning_operators();

/// The result of an operator with one output.
inline Outputs one(Tensor tensor) {
  Outputs outputs;
  outputs.push_back(std::move(tensor));
  return outputs;
}

}  // namespace opaline::network::evaluation
