#include "opaline/model/onnx/walk.h"

#include <algorithm>

namespace opaline::network {

Strides in_order(const Shape& shape) {
  Strides strides{0, std::vector<std::ptrdiff_t>(shape.size(), 0)};
  std::ptrdiff_t step = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    strides.steps[i] = step;
    step *= static_cast<std::ptrdiff_t>(shape[i]);
  }
  return strides;
}

Strides broadcast(const Shape& from, const Shape& to) {
  const Strides own = in_order(from);
  Strides strides{0, std::vector<std::ptrdiff_t>(to.size(), 0)};
  const std::size_t missing = to.size() - from.size();
  for (std::size_t i = 0; i < from.size(); ++i) {
    if (from[i] != 1) strides.steps[missing + i] = own.steps[i];
  }
  return strides;
}

std::optional<Shape> broadcast_shape(const Shape& a, const Shape& b) {
  Shape shape(std::max(a.size(), b.size()), 1);
  for (std::size_t back = 1; back <= shape.size(); ++back) {
    const std::size_t from_a = back <= a.size() ? a[a.size() - back] : 1;
    const std::size_t from_b = back <= b.size() ? b[b.size() - back] : 1;
    if (from_a != from_b && from_a != 1 && from_b != 1) return std::nullopt;
    shape[shape.size() - back] = from_a == 1 ? from_b : from_a;
  }
  return shape;
}

std::vector<Loop> loops_of(const Shape& shape, const std::array<const Strides*, 3>& tensors) {
  std::vector<Loop> loops;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 1) continue;
    const Loop loop{shape[i], {tensors[0]->steps[i], tensors[1]->steps[i], tensors[2]->steps[i]}};
    const auto size = static_cast<std::ptrdiff_t>(loop.size);
    const bool continues =
        !loops.empty() && std::equal(loop.steps.begin(), loop.steps.end(), loops.back().steps.begin(),
                                     [&](auto inner, auto outer) { return outer == inner * size; });
    if (continues) {
      loops.back() = {loops.back().size * loop.size, loop.steps};
    } else {
      loops.push_back(loop);
    }
  }
  if (loops.empty()) loops.emplace_back();
  return loops;
}

}  // namespace opaline::network
