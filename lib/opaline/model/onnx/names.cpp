#include "opaline/model/onnx/names.h"

#include <utility>

#include "opaline/base/error.h"
#include "opaline/model/onnx/quoted.h"

namespace opaline::network {

Names::Names(const onnx::GraphProto& graph) {
  for (const auto& tensor : graph.initializer()) {
    if (!initialisers_.emplace(tensor.name(), &tensor).second) {
      throw Error(ErrorKind::unsupported_model,
                  "the initialiser " + quoted(tensor.name()) + " is there twice");
    }
  }
}

void Names::define(const std::string& name, Value value) {
  if (is_initialiser(name) || !values_.emplace(name, std::move(value)).second) {
    throw Error(ErrorKind::unsupported_model, "the name " + quoted(name) + " is given to two tensors");
  }
}

const Value* Names::find(const std::string& name) {
  auto found = values_.find(name);
  if (found == values_.end()) {
    const auto initialiser = initialisers_.find(name);
    if (initialiser == initialisers_.end()) return nullptr;
    found = values_.emplace(name, std::make_shared<const Tensor>(decode_tensor(*initialiser->second))).first;
  }
  return &found->second;
}

}  // namespace opaline::network
