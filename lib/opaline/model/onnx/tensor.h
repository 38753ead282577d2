#pragma once

#include <onnx/onnx_pb.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace opaline::network {

using Shape = std::vector<std::size_t>;

/// Number of elements of a shape whose product is known to fit.
std::size_t element_count(std::span<const std::size_t> shape);

/// {1, 28, 28} as "1x28x28"; "scalar" for no dimensions.
std::string to_string(const Shape& shape);

/// A constant of the network, decoded: weights as doubles, whole numbers (shapes, switches) as int64.
struct Tensor {
  Shape shape;
  std::variant<std::vector<double>, std::vector<std::int64_t>> values;
};

/// Decodes a tensor of double, float, float16 or bfloat16 (all finite), or of whole numbers (signed or
/// unsigned of 8 to 64 bits, bool). Error(damaged) if its sizes contradict each other or a number does not
/// fit its type, Error(unsupported_model) if it is of another type or keeps its data in another file.
Tensor decode_tensor(const onnx::TensorProto& tensor);

}  // namespace opaline::network
