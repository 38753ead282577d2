#pragma once

#include <onnx/onnx_pb.h>

#include <string>
#include <unordered_map>

#include "opaline/model/onnx/value.h"

namespace opaline::network {

/// Every name of a graph and what stands behind it. The graph has to outlive this.
class Names {
 public:
  /// Error(unsupported_model) if an initialiser is there twice.
  explicit Names(const onnx::GraphProto& graph);

  bool is_initialiser(const std::string& name) const { return initialisers_.count(name) > 0; }

  /// Error(unsupported_model) for a name that is taken.
  void define(const std::string& name, Value value);

  /// Null for a name not seen so far. Initialisers are decoded when first asked for.
  const Value* find(const std::string& name);

 private:
  std::unordered_map<std::string, const onnx::TensorProto*> initialisers_;
  std::unordered_map<std::string, Value> values_;
};

}  // namespace opaline::network
