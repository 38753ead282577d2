#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <vector>

#include "opaline/model/onnx/tensor.h"

/// Going through tensors in step: almost every operator is "for each index of a shape, output element
/// a(index) takes input element b(index)", with a and b linear in the index.
namespace opaline::network {

/// Element start + Σ index[i] · steps[i], one step a dimension of the shape that is walked.
struct Strides {
  std::ptrdiff_t start = 0;
  std::vector<std::ptrdiff_t> steps;
};

/// All elements of a tensor, one after the other.
Strides in_order(const Shape& shape);

/// The elements of a tensor of shape `from` that stand at the indices of `to`, which it broadcasts to.
Strides broadcast(const Shape& from, const Shape& to);

/// The shape that two shapes broadcast to (numpy's rules); nothing if they do not fit.
std::optional<Shape> broadcast_shape(const Shape& a, const Shape& b);

/// Three tensors seen along one walk.
using Position = std::array<std::ptrdiff_t, 3>;

/// The same walk with dimensions of size 1 dropped and those merged that lie behind each other in all three
/// tensors: fewer and longer inner loops.
struct Loop {
  std::size_t size = 1;
  Position steps{};
};
std::vector<Loop> loops_of(const Shape& shape, const std::array<const Strides*, 3>& tensors);

/// Calls visit(position) for every index of `shape`, the last dimension fastest.
template <typename Visit>
void walk(const Shape& shape, const Strides& a, const Strides& b, const Strides& c, const Visit& visit) {
  if (element_count(shape) == 0) return;
  std::vector<Loop> loops = loops_of(shape, {&a, &b, &c});
  const Loop inner = loops.back();
  loops.pop_back();
  std::vector<std::size_t> index(loops.size(), 0);
  Position outer{a.start, b.start, c.start};
  const auto move = [](Position& position, const Position& steps, std::ptrdiff_t times) {
    for (std::size_t i = 0; i < position.size(); ++i) position[i] += times * steps[i];
  };
  for (;;) {
    Position position = outer;
    for (std::size_t i = 0; i < inner.size; ++i) {
      visit(position);
      move(position, inner.steps, 1);
    }
    std::size_t axis = loops.size();
    while (axis > 0 && index[axis - 1] + 1 == loops[axis - 1].size) {
      --axis;
      move(outer, loops[axis].steps, -static_cast<std::ptrdiff_t>(index[axis]));
      index[axis] = 0;
    }
    if (axis == 0) return;
    ++index[axis - 1];
    move(outer, loops[axis - 1].steps, 1);
  }
}

}  // namespace opaline::network
