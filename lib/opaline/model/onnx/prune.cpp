#include "opaline/model/onnx/prune.h"

#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "opaline/base/error.h"
#include "opaline/model/onnx/quoted.h"

namespace opaline::network {

std::vector<std::size_t> prune(onnx::GraphProto& graph) {
  std::unordered_map<std::string_view, int> makers;
  std::unordered_set<std::string_view> taken;
  for (const auto& initialiser : graph.initializer()) taken.insert(initialiser.name());
  for (int i = 0; i < graph.node_size(); ++i) {
    for (const std::string& name : graph.node(i).output()) {
      if (!name.empty() && (taken.count(name) > 0 || !makers.emplace(name, i).second)) {
        throw Error(ErrorKind::unsupported_model, "the name " + quoted(name) + " is given to two tensors");
      }
    }
  }
  std::vector<bool> stays(static_cast<std::size_t>(graph.node_size()), false);
  std::vector<int> open;
  const auto need = [&](const std::string& name) {
    const auto maker = makers.find(name);
    if (maker == makers.end() || stays[static_cast<std::size_t>(maker->second)]) return;
    stays[static_cast<std::size_t>(maker->second)] = true;
    open.push_back(maker->second);
  };
  for (const auto& output : graph.output()) need(output.name());
  while (!open.empty()) {
    const int i = open.back();
    open.pop_back();
    for (const std::string& name : graph.node(i).input()) need(name);
  }

  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < stays.size(); ++i) {
    if (!stays[i]) continue;
    graph.mutable_node()->SwapElements(static_cast<int>(positions.size()), static_cast<int>(i));
    positions.push_back(i + 1);
  }
  graph.mutable_node()->DeleteSubrange(static_cast<int>(positions.size()),
                                       graph.node_size() - static_cast<int>(positions.size()));
  return positions;
}

}  // namespace opaline::network
