#include "opaline/model/onnx/graph_input.h"

#include <cstdint>

#include "opaline/base/error.h"
#include "opaline/model/affine_map.h"
#include "opaline/model/onnx/quoted.h"
#include "opaline/model/onnx_network.h"

namespace opaline::network {
namespace {

Batch batch_of(const onnx::TensorShapeProto& shape) {
  const std::int64_t first = shape.dim(0).dim_value();  // 0 if it is open; some exporters write -1
  if (first < 1) return Batch::open;
  return first == 1 && shape.dim_size() > 1 ? Batch::one : Batch::none;
}

}  // namespace

GraphInput read_input(const onnx::ValueInfoProto& info) {
  const std::string what = "input " + quoted(info.name());
  const auto refuse = [&](const std::string& why) { throw Error(ErrorKind::unsupported_model, what + why); };
  const onnx::TypeProto::Tensor& type = info.type().tensor_type();
  if (type.elem_type() != onnx::TensorProto::FLOAT && type.elem_type() != onnx::TensorProto::DOUBLE) {
    refuse(" is not a tensor of float or double; export the network with such an input");
  }
  const auto& dimensions = type.shape().dim();
  if (dimensions.empty())
    refuse(" has no dimensions; it has to have a batch dimension and others of known sizes");
  GraphInput input{info.name(), {}, batch_of(type.shape())};
  const int first = input.batch == Batch::none ? 0 : 1;
  const int own = dimensions.size() - first;
  if (own < 1 || own > static_cast<int>(kMostInputDimensions)) {
    refuse(" has " + std::to_string(dimensions.size()) +
           " dimensions; it has to have a batch dimension and 1 to 8 more, with known sizes");
  }
  if (first == 1) input.shape.push_back(1);
  std::size_t count = 1;
  for (int i = first; i < dimensions.size(); ++i) {
    const std::int64_t size = dimensions[i].dim_value();
    if (size < 1)
      refuse(": dimension " + std::to_string(i) + " has no fixed size; only the batch may be open");
    if (static_cast<std::uint64_t>(size) > kMostInputs / count) {
      refuse(" has more than " + std::to_string(kMostInputs) + " elements");
    }
    count *= static_cast<std::size_t>(size);
    input.shape.push_back(static_cast<std::size_t>(size));
  }
  return input;
}

}  // namespace opaline::network
