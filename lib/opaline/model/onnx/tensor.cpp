#include "opaline/model/onnx/tensor.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <type_traits>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/model/onnx/quoted.h"
#include "opaline/model/onnx_network.h"

namespace opaline::network {
namespace {

[[noreturn]] void refuse(ErrorKind kind, const onnx::TensorProto& tensor, const std::string& why) {
  throw Error(kind, "tensor " + quoted(tensor.name()) + ": " + why);
}

Shape decode_shape(const onnx::TensorProto& tensor) {
  Shape shape;
  std::size_t count = 1;
  for (const std::int64_t dimension : tensor.dims()) {
    // No tensor has more elements than the largest file has bytes.
    if (dimension < 0 || (dimension > 0 && count > kOnnxLimit / static_cast<std::uint64_t>(dimension))) {
      refuse(ErrorKind::damaged, tensor, "its dimensions are impossible");
    }
    count *= static_cast<std::size_t>(dimension);
    shape.push_back(static_cast<std::size_t>(dimension));
  }
  return shape;
}

/// The i-th little-endian number of raw_data.
template <typename Number>
Number raw_number(const std::string& raw, std::size_t i) {
  using Bits = std::conditional_t<
      sizeof(Number) == 8, std::uint64_t,
      std::conditional_t<sizeof(Number) == 4, std::uint32_t,
                         std::conditional_t<sizeof(Number) == 2, std::uint16_t, std::uint8_t>>>;
  std::uint64_t bits = 0;
  for (std::size_t byte = 0; byte < sizeof(Number); ++byte) {
    bits |= std::uint64_t{static_cast<std::uint8_t>(raw[i * sizeof(Number) + byte])} << (8 * byte);
  }
  return std::bit_cast<Number>(static_cast<Bits>(bits));
}

/// The elements, from raw_data or from the field for their type, one of which must hold exactly `count`.
template <typename Stored, typename Result, typename Field>
std::vector<Result> decode_values(const onnx::TensorProto& tensor, std::size_t count, const Field& field) {
  const std::string& raw = tensor.raw_data();
  const auto listed = static_cast<std::size_t>(field.size());
  const bool sizes_agree =
      tensor.has_raw_data() ? listed == 0 && raw.size() == count * sizeof(Stored) : listed == count;
  if (!sizes_agree) {
    refuse(ErrorKind::damaged, tensor,
           "holds " +
               (tensor.has_raw_data() ? std::to_string(raw.size()) + " bytes"
                                      : std::to_string(listed) + " numbers") +
               " where its dimensions ask for " + std::to_string(count) + " numbers of " +
               std::to_string(sizeof(Stored)) + " bytes");
  }
  std::vector<Result> values(count);
  if (tensor.has_raw_data()) {
    for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<Result>(raw_number<Stored>(raw, i));
  } else {
    std::transform(field.begin(), field.end(), values.begin(), [](auto v) { return static_cast<Result>(v); });
  }
  return values;
}

/// The number that the 16 bits of an IEEE half stand for.
double from_half(std::uint16_t bits) {
  const double sign = (bits & 0x8000U) != 0 ? -1.0 : 1.0;
  const int exponent = (bits >> 10U) & 0x1F;
  const int fraction = bits & 0x3FF;
  if (exponent == 0x1F) return fraction == 0 ? sign * HUGE_VAL : std::nan("");
  return sign * (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(fraction + 0x400, exponent - 25));
}

/// A bfloat16 is the upper half of a float.
double from_bfloat(std::uint16_t bits) { return double{std::bit_cast<float>(std::uint32_t{bits} << 16U)}; }

template <double (*decode)(std::uint16_t)>
std::vector<double> decode_halves(const onnx::TensorProto& tensor, std::size_t count) {
  const auto bits = decode_values<std::uint16_t, std::uint16_t>(tensor, count, tensor.int32_data());
  std::vector<double> values(count);
  std::transform(bits.begin(), bits.end(), values.begin(), decode);
  return values;
}

/// Whole numbers, from raw_data or `field`. One that does not fit its type, or int64, is damaged.
template <typename Stored, typename Field>
std::vector<std::int64_t> decode_integers(const onnx::TensorProto& tensor, std::size_t count,
                                          const Field& field) {
  auto values = decode_values<Stored, std::int64_t>(tensor, count, field);
  const auto fits = [](std::int64_t v) { return std::in_range<Stored>(v); };
  if (!std::all_of(values.begin(), values.end(), fits)) {
    refuse(ErrorKind::damaged, tensor, "holds a number that does not fit its element type");
  }
  return values;
}

std::vector<double> only_finite(const onnx::TensorProto& tensor, std::vector<double> values) {
  if (!std::all_of(values.begin(), values.end(), [](double v) { return std::isfinite(v); })) {
    refuse(ErrorKind::unsupported_model, tensor,
           "holds infinite or undefined numbers; train the network again");
  }
  return values;
}

}  // namespace

std::size_t element_count(std::span<const std::size_t> shape) {
  std::size_t count = 1;
  for (const std::size_t dimension : shape) count *= dimension;
  return count;
}

std::string to_string(const Shape& shape) {
  std::string text;
  for (const std::size_t dimension : shape) {
    if (!text.empty()) text += 'x';
    text += std::to_string(dimension);
  }
  return text.empty() ? "scalar" : text;
}

Tensor decode_tensor(const onnx::TensorProto& tensor) {
  if (tensor.data_location() == onnx::TensorProto::EXTERNAL || tensor.external_data_size() > 0) {
    refuse(ErrorKind::unsupported_model, tensor,
           "its data is in another file; save the network with all weights inside the ONNX file");
  }
  if (tensor.has_segment()) {
    refuse(ErrorKind::unsupported_model, tensor, "is stored in segments; save it in one piece");
  }
  Shape shape = decode_shape(tensor);
  const std::size_t count = element_count(shape);
  switch (tensor.data_type()) {
    case onnx::TensorProto::FLOAT:
      return {std::move(shape),
              only_finite(tensor, decode_values<float, double>(tensor, count, tensor.float_data()))};
    case onnx::TensorProto::DOUBLE:
      return {std::move(shape),
              only_finite(tensor, decode_values<double, double>(tensor, count, tensor.double_data()))};
    case onnx::TensorProto::FLOAT16:
      return {std::move(shape), only_finite(tensor, decode_halves<from_half>(tensor, count))};
    case onnx::TensorProto::BFLOAT16:
      return {std::move(shape), only_finite(tensor, decode_halves<from_bfloat>(tensor, count))};
    case onnx::TensorProto::INT32:
      return {std::move(shape), decode_integers<std::int32_t>(tensor, count, tensor.int32_data())};
    case onnx::TensorProto::INT16:
      return {std::move(shape), decode_integers<std::int16_t>(tensor, count, tensor.int32_data())};
    case onnx::TensorProto::UINT16:
      return {std::move(shape), decode_integers<std::uint16_t>(tensor, count, tensor.int32_data())};
    case onnx::TensorProto::INT8:
      return {std::move(shape), decode_integers<std::int8_t>(tensor, count, tensor.int32_data())};
    case onnx::TensorProto::UINT8:
      return {std::move(shape), decode_integers<std::uint8_t>(tensor, count, tensor.int32_data())};
    case onnx::TensorProto::UINT32:
      return {std::move(shape), decode_integers<std::uint32_t>(tensor, count, tensor.uint64_data())};
    case onnx::TensorProto::UINT64:
      return {std::move(shape), decode_integers<std::uint64_t>(tensor, count, tensor.uint64_data())};
    case onnx::TensorProto::INT64:
      return {std::move(shape),
              decode_values<std::int64_t, std::int64_t>(tensor, count, tensor.int64_data())};
    case onnx::TensorProto::BOOL:
      return {std::move(shape),
              decode_values<std::uint8_t, std::int64_t>(tensor, count, tensor.int32_data())};
    default:
      refuse(ErrorKind::unsupported_model, tensor,
             "is of element type " + std::to_string(tensor.data_type()) +
                 "; weights have to be real numbers, shapes whole ones");
  }
}

}  // namespace opaline::network
