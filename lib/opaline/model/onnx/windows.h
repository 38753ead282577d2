#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "opaline/model/onnx/node.h"

/// Kernels that slide over images: Conv, ConvTranspose, AveragePool, along one axis at a time.
namespace opaline::network {

/// One axis: kernel element k of window o stands at image element o · stride + k · dilation - before.
struct Window {
  std::int64_t image = 0;
  std::int64_t kernel = 0;
  std::int64_t stride = 1;
  std::int64_t dilation = 1;
  std::int64_t before = 0;   ///< padding
  std::int64_t after = 0;    ///< padding
  std::int64_t windows = 0;  ///< how many

  std::int64_t extent() const { return (kernel - 1) * dilation + 1; }
};

/// The attributes strides, dilations, pads, auto_pad and, where the operator has it, ceil_mode.
std::vector<Window> read_windows(const Node& node, const Shape& image, const Shape& kernel);

/// The same for ConvTranspose, whose *input* has the windows: with output_padding and output_shape.
std::vector<Window> read_transposed_windows(const Node& node, const Shape& windows, const Shape& kernel);

/// A place where a kernel meets the image.
struct Tap {
  std::size_t window = 0;
  std::size_t kernel = 0;
  std::size_t image = 0;
};

/// How many kernel elements of a window stand in [-low, image + high) of its axis.
std::int64_t taps_in(const Window& axis, std::int64_t window, std::int64_t low, std::int64_t high);

/// How many taps an axis has, without listing them.
std::uint64_t count_taps(const Window& axis);

/// All of them, by window. As many as `count_taps`, which has to be checked first.
std::vector<Tap> list_taps(const Window& axis);

/// Calls visit(tap) for every combination of one tap an axis, with elements counted row by row.
template <typename Visit>
void for_each_tap(const std::vector<Window>& axes, const std::vector<std::vector<Tap>>& taps,
                  const Visit& visit, std::size_t axis = 0, const Tap& outer = {}) {
  if (axis == axes.size()) {
    visit(outer);
    return;
  }
  const Window& sizes = axes[axis];
  const Tap base{outer.window * static_cast<std::size_t>(sizes.windows),
                 outer.kernel * static_cast<std::size_t>(sizes.kernel),
                 outer.image * static_cast<std::size_t>(sizes.image)};
  if (axis + 1 == axes.size()) {
    for (const Tap& tap : taps[axis])
      visit(Tap{base.window + tap.window, base.kernel + tap.kernel, base.image + tap.image});
  } else {
    for (const Tap& tap : taps[axis]) {
      for_each_tap(axes, taps, visit, axis + 1,
                   Tap{base.window + tap.window, base.kernel + tap.kernel, base.image + tap.image});
    }
  }
}

}  // namespace opaline::network
