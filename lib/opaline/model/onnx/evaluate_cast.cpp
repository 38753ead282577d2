#include "opaline/model/onnx/evaluate_cast.h"

#include <algorithm>
#include <limits>

namespace opaline::network::evaluation {
namespace {

Tensor as_truth(const Tensor& tensor) {
  return std::visit(
      [&](const auto& from) -> Tensor {
        Integers to(from.size());
        std::transform(from.begin(), from.end(), to.begin(), [](auto v) { return v != 0 ? 1 : 0; });
        return {tensor.shape, std::move(to)};
      },
      tensor.values);
}

/// Whole numbers that have to fit a type narrower than int64: what would happen to others differs from one
/// program to the next.
template <typename Narrow>
Tensor as_narrow(const Call& call, const Tensor& tensor) {
  Tensor result = as_integers(call, tensor);
  for (const std::int64_t value : std::get<Integers>(result.values)) {
    if (value < std::int64_t{std::numeric_limits<Narrow>::min()} ||
        value > std::int64_t{std::numeric_limits<Narrow>::max()}) {
      call.refuse(std::to_string(value) + " does not fit the type it is cast to");
    }
  }
  return result;
}

Tensor as_unsigned(const Call& call, const Tensor& tensor) {
  Tensor result = as_integers(call, tensor);
  const Integers& values = std::get<Integers>(result.values);
  if (std::any_of(values.begin(), values.end(), [](std::int64_t v) { return v < 0; })) {
    call.refuse("a negative number does not fit the type it is cast to");
  }
  return result;
}

Outputs cast(const Call& call) {
  if (!call.has_attribute("to")) call.damaged("it lacks the attribute \"to\"");
  const Tensor& input = call.input(0);
  call.work({call.count(input.shape)});
  const std::int64_t type = call.integer("to", 0);
  switch (type) {
    case onnx::TensorProto::FLOAT:
    case onnx::TensorProto::DOUBLE:
    case onnx::TensorProto::FLOAT16:
    case onnx::TensorProto::BFLOAT16:
      return one(as_numbers(input));
    case onnx::TensorProto::BOOL:
      return one(as_truth(input));
    case onnx::TensorProto::INT64:
      return one(as_integers(call, input));
    case onnx::TensorProto::INT32:
      return one(as_narrow<std::int32_t>(call, input));
    case onnx::TensorProto::INT16:
      return one(as_narrow<std::int16_t>(call, input));
    case onnx::TensorProto::INT8:
      return one(as_narrow<std::int8_t>(call, input));
    case onnx::TensorProto::UINT8:
      return one(as_narrow<std::uint8_t>(call, input));
    case onnx::TensorProto::UINT16:
      return one(as_narrow<std::uint16_t>(call, input));
    case onnx::TensorProto::UINT32:
      return one(as_narrow<std::uint32_t>(call, input));
    case onnx::TensorProto::UINT64:
      return one(as_unsigned(call, input));
    default:
      call.refuse("it casts to element type " + std::to_string(type) + ", which is no common number");
  }
}

/// A tensor does not know whether its whole numbers are truth values, which are cast differently.
Outputs cast_like(const Call& call) {
  const Tensor& input = call.input(0);
  call.work({call.count(input.shape)});
  const auto* const like = std::get_if<Integers>(&call.input(1).values);
  if (like == nullptr) return one(as_numbers(input));
  Tensor result = as_integers(call, input);
  const bool surely_no_truth =
      std::any_of(like->begin(), like->end(), [](std::int64_t v) { return v != 0 && v != 1; });
  if (!surely_no_truth && result.values != as_truth(input).values) {
    call.refuse("it casts to whole numbers that may be truth values; use Cast");
  }
  return one(std::move(result));
}

}  // namespace

Tensor as_numbers(const Tensor& tensor) {
  return std::visit(
      [&](const auto& from) -> Tensor {
        Numbers to(from.size());
        std::transform(from.begin(), from.end(), to.begin(), [](auto v) { return static_cast<double>(v); });
        return {tensor.shape, std::move(to)};
      },
      tensor.values);
}

Tensor as_integers(const Call& call, const Tensor& tensor) {
  const auto* const from = std::get_if<Numbers>(&tensor.values);
  if (from == nullptr) return tensor;
  constexpr double kTooLarge = 0x1p63;
  Integers to;
  to.reserve(from->size());
  for (const double value : *from) {
    // Written so that an undefined number is refused too.
    if (!(value >= -kTooLarge && value < kTooLarge)) call.refuse("a number does not fit 64 bits");
    to.push_back(static_cast<std::int64_t>(value));
  }
  return {tensor.shape, std::move(to)};
}

const std::vector<Operator>& cast_operators() {
  static const std::vector<Operator> table{
      {"Cast", 1, 1, {"to", "saturate"}, cast},
      {"CastLike", 2, 2, {"saturate"}, cast_like},
  };
  return table;
}

}  // namespace opaline::network::evaluation
