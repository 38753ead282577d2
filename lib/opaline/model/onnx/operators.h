#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "opaline/model/onnx/backward.h"
#include "opaline/model/onnx/node.h"

namespace opaline::network {

/// What the nodes leave behind on the way forwards, for the way back.
class ForwardPass {
 public:
  /// A new tensor, the sum of what the steps make; it starts from zero. Error(unsupported_model), naming the
  /// node, if it or the way back would be too large.
  Variable make(const Node& node, Shape shape, std::vector<Step> steps);

  /// Accounts for numbers that a step is about to remember, beside the graph's own constants.
  /// Error(unsupported_model), naming the node, if all of them would be too many.
  void keep(const Node& node, std::size_t numbers);

  /// The steps behind tensor id i + 1.
  const std::vector<std::vector<Step>>& steps() const { return steps_; }
  std::uint64_t entries() const { return entries_; }    ///< of all steps
  std::uint64_t elements() const { return elements_; }  ///< of all tensors made

 private:
  std::vector<std::vector<Step>> steps_;
  std::uint64_t entries_ = 0;
  std::uint64_t elements_ = 0;
  std::uint64_t kept_ = 0;
};

/// One operator on tensors that depend on the network's input. To add one, write its `apply` and a line in
/// the table of its file.
struct Operator {
  std::string_view type;
  std::size_t fewest_inputs;
  std::size_t most_inputs;
  std::vector<std::string_view> attributes;  ///< those it may carry in any version; another one is an error
  Values (*apply)(const Node& node, ForwardPass& pass);  ///< one value an output, trailing ones may lack
};

inline constexpr std::size_t kAnyNumber = std::size_t{1} << 16;  ///< of inputs

/// The tables, one a file.
const std::vector<Operator>& arithmetic_operators();
const std::vector<Operator>& product_operators();
const std::vector<Operator>& shape_operators();
const std::vector<Operator>& selection_operators();
const std::vector<Operator>& window_operators();
const std::vector<Operator>& machine_learning_operators();  ///< those of domain ai.onnx.ml
const std::vector<Operator>& client_operators();            ///< last nodes, left to the client

/// Null for an operator that is in no table. `domain` is that of the node.
const Operator* find_operator(std::string_view domain, std::string_view type);

/// Whether the operator belongs to the standard or to the machine-learning domain, "ai.onnx.ml".
bool is_machine_learning(std::string_view domain);

/// Of all tables, for error texts: "Add, ArgMax, …".
std::string known_operators();

}  // namespace opaline::network
