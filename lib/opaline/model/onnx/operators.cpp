#include "opaline/model/onnx/operators.h"

#include <algorithm>
#include <array>
#include <utility>

namespace opaline::network {
namespace {

using Table = const std::vector<Operator>& (*)();
constexpr std::array<Table, 6> kStandard = {arithmetic_operators, product_operators, shape_operators,
                                            selection_operators,  window_operators,  client_operators};

const Operator* find_in(const std::vector<Operator>& table, std::string_view type) {
  const auto found =
      std::find_if(table.begin(), table.end(), [&](const Operator& op) { return op.type == type; });
  return found == table.end() ? nullptr : &*found;
}

}  // namespace

Variable ForwardPass::make(const Node& node, Shape shape, std::vector<Step> steps) {
  shape = node.checked(std::move(shape));
  for (const Step& step : steps) {
    if (step.entries > kMostVisits - entries_) {
      node.refuse("the network would take more than 2^36 multiplications to collapse; it is too large");
    }
    entries_ += step.entries;
  }
  elements_ += element_count(shape);
  steps_.push_back(std::move(steps));
  return {steps_.size(), std::move(shape)};
}

void ForwardPass::keep(const Node& node, std::size_t numbers) {
  if (numbers > kMostElements - kept_) node.refuse("the network would take too much memory to collapse");
  kept_ += numbers;
}

const Operator* find_operator(std::string_view domain, std::string_view type) {
  if (is_machine_learning(domain)) return find_in(machine_learning_operators(), type);
  for (const Table table : kStandard) {
    if (const Operator* found = find_in(table(), type)) return found;
  }
  return nullptr;
}

bool is_machine_learning(std::string_view domain) { return domain == "ai.onnx.ml"; }

std::string known_operators() {
  std::vector<std::string> names;
  for (const Table table : kStandard) {
    for (const Operator& op : table()) names.emplace_back(op.type);
  }
  for (const Operator& op : machine_learning_operators()) names.emplace_back(op.type);
  std::sort(names.begin(), names.end());
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace opaline::network
