#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "opaline/model/onnx/graph.h"

namespace opaline::network {

/// One operator of the default ONNX domain. To add one, write its `apply` and a line in the table of
/// operators.cpp.
struct Operator {
  std::string_view type;
  std::size_t fewest_inputs;
  std::size_t most_inputs;
  std::vector<std::string_view> attributes;  ///< those it may carry; another one is an error
  Value (*apply)(const Node& node, ForwardPass& pass);
};

/// Null for an operator that is not in the table.
const Operator* find_operator(std::string_view type);

/// Why an operator that is not in the table is refused, and what would help.
std::string advice_without(std::string_view type);

}  // namespace opaline::network
