#pragma once

#include <cstddef>
#include <cstdint>
#include <variant>
#include <vector>

#include "opaline/model/onnx/evaluate_call.h"
#include "opaline/model/onnx/tensor.h"

/// Tensors seen through strides, as NumPy sees arrays: most operators that only move elements are one choice
/// of strides.
namespace opaline::network::evaluation {

/// How far apart two neighbours along each axis stand, in elements.
using Strides = std::vector<std::int64_t>;

/// Those of a tensor that is stored row by row.
inline Strides strides_of(const Shape& shape) {
  Strides strides(shape.size());
  std::int64_t step = 1;
  for (std::size_t axis = shape.size(); axis-- > 0;) {
    strides[axis] = step;
    step *= to_signed(shape[axis]);
  }
  return strides;
}

/// Calls visit(start + Σ index · stride) for every index of `shape`, row by row.
template <typename Visit>
void walk(const Shape& shape, const Strides& strides, std::int64_t start, const Visit& visit) {
  const std::size_t count = element_count(shape);
  Shape index(shape.size());
  std::int64_t offset = start;
  for (std::size_t i = 0; i < count; ++i) {
    visit(to_size(offset));
    for (std::size_t axis = shape.size(); axis-- > 0;) {
      offset += strides[axis];
      if (++index[axis] < shape[axis]) break;
      offset -= strides[axis] * to_signed(shape[axis]);
      index[axis] = 0;
    }
  }
}

/// A new tensor of the elements that the strides lead to. Error(unsupported_model) beyond the limits.
inline Tensor pick(const Call& call, const Tensor& tensor, const Shape& shape, const Strides& strides,
                   std::int64_t start = 0) {
  const std::size_t count = call.count(shape);
  call.work({count});
  return std::visit(
      [&](const auto& from) -> Tensor {
        std::decay_t<decltype(from)> to;
        to.reserve(count);
        walk(shape, strides, start, [&](std::size_t offset) { to.push_back(from[offset]); });
        return {shape, std::move(to)};
      },
      tensor.values);
}

/// Strides that repeat a tensor of shape `from` over `to`, into which it is known to broadcast.
inline Strides broadcast_strides(const Shape& from, const Shape& to) {
  const Strides own = strides_of(from);
  Strides strides(to.size(), 0);
  for (std::size_t axis = 0; axis < from.size(); ++axis) {
    if (from[axis] != 1) strides[to.size() - from.size() + axis] = own[axis];
  }
  return strides;
}

/// The common shape of two, by NumPy's rule.
inline Shape broadcast_shape(const Call& call, const Shape& a, const Shape& b) {
  const Shape& longer = a.size() < b.size() ? b : a;
  const Shape& shorter = a.size() < b.size() ? a : b;
  Shape shape = longer;
  const std::size_t extra = longer.size() - shorter.size();
  for (std::size_t axis = 0; axis < shorter.size(); ++axis) {
    std::size_t& size = shape[extra + axis];
    if (size == 1) {
      size = shorter[axis];
    } else if (shorter[axis] != 1 && shorter[axis] != size) {
      call.refuse("shapes " + to_string(a) + " and " + to_string(b) + " do not fit together");
    }
  }
  static_cast<void>(call.count(shape));
  return shape;
}

inline Tensor broadcast(const Call& call, const Tensor& tensor, const Shape& shape) {
  if (tensor.shape == shape) return tensor;
  return pick(call, tensor, shape, broadcast_strides(tensor.shape, shape));
}

/// A tensor as `outer` blocks of `size` rows of `inner` neighbouring elements: what lies before an axis,
/// along it and behind it.
struct Around {
  std::size_t outer = 1;
  std::size_t size = 1;
  std::size_t inner = 1;
};

inline Around around(const Shape& shape, std::size_t axis) {
  const std::span<const std::size_t> all(shape);
  return {element_count(all.first(axis)), shape[axis], element_count(all.subspan(axis + 1))};
}

}  // namespace opaline::network::evaluation
