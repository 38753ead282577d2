#include "opaline/model/onnx/windows.h"

#include <algorithm>
#include <utility>

#include "opaline/model/onnx/backward.h"
#include "opaline/model/onnx/quoted.h"

namespace opaline::network {
namespace {

constexpr std::int64_t kMost = std::int64_t{1} << 31;  // of any size or step; products stay in 64 bits

using List = std::vector<std::int64_t>;

/// An attribute with `count` numbers, each from `lowest` up to 2^31.
List read(const Node& node, const char* name, std::size_t count, std::int64_t lowest) {
  List list = node.integers(name).value_or(List(count, lowest));
  const bool fits = std::all_of(list.begin(), list.end(),
                                [&](std::int64_t each) { return each >= lowest && each <= kMost; });
  if (list.size() != count || !fits) {
    node.refuse("the attribute " + quoted(name) + " has to be " + std::to_string(count) +
                " numbers of at least " + std::to_string(lowest));
  }
  return list;
}

enum class Padding { stated, none, same_more_after, same_more_before };

Padding read_padding(const Node& node) {
  const std::string text = node.text("auto_pad", "NOTSET");
  if (text.empty() || text == "NOTSET") return Padding::stated;
  if (node.attribute("pads") != nullptr) {
    const List pads = *node.integers("pads");
    if (std::any_of(pads.begin(), pads.end(), [](std::int64_t each) { return each != 0; })) {
      node.refuse("has pads as well as auto_pad; export it with pads alone");
    }
  }
  if (text == "VALID") return Padding::none;
  if (text == "SAME_UPPER") return Padding::same_more_after;
  if (text == "SAME_LOWER") return Padding::same_more_before;
  node.refuse("its auto_pad " + quoted(text) + " is unknown");
}

/// Sizes, strides and dilations; the image may not be known yet.
std::vector<Window> read_steps(const Node& node, const Shape& kernel) {
  const std::size_t rank = kernel.size();
  const List strides = read(node, "strides", rank, 1);
  const List dilations = read(node, "dilations", rank, 1);
  if (node.attribute("kernel_shape") != nullptr) {
    const List stated = read(node, "kernel_shape", rank, 1);
    for (std::size_t i = 0; i < rank; ++i) {
      if (static_cast<std::size_t>(stated[i]) != kernel[i])
        node.refuse("its kernel_shape is not its kernel's");
    }
  }
  std::vector<Window> axes(rank);
  for (std::size_t i = 0; i < rank; ++i) {
    axes[i].kernel = static_cast<std::int64_t>(kernel[i]);
    axes[i].stride = strides[i];
    axes[i].dilation = dilations[i];
  }
  return axes;
}

/// Kernel elements k with low ≤ start + k · dilation < high.
std::pair<std::int64_t, std::int64_t> range_of(const Window& axis, std::int64_t window, std::int64_t low,
                                               std::int64_t high) {
  const std::int64_t start = window * axis.stride - axis.before;
  const auto first_from = [&](std::int64_t bound) {
    return bound <= start ? 0 : std::min(axis.kernel, (bound - start - 1) / axis.dilation + 1);
  };
  return {first_from(low), first_from(high)};
}

}  // namespace

std::vector<Window> read_windows(const Node& node, const Shape& image, const Shape& kernel) {
  const std::size_t rank = kernel.size();
  std::vector<Window> axes = read_steps(node, kernel);
  const List pads = read(node, "pads", 2 * rank, 0);
  const Padding padding = read_padding(node);
  const bool rounds_up = node.is_set("ceil_mode");
  for (std::size_t i = 0; i < rank; ++i) {
    Window& axis = axes[i];
    axis.image = static_cast<std::int64_t>(image[i]);
    if (padding == Padding::stated) {
      axis.before = pads[i];
      axis.after = pads[i + rank];
    } else if (padding != Padding::none) {
      const std::int64_t windows = (axis.image - 1) / axis.stride + 1;
      const std::int64_t total =
          std::max<std::int64_t>((windows - 1) * axis.stride + axis.extent() - axis.image, 0);
      axis.before = padding == Padding::same_more_after ? total / 2 : total - total / 2;
      axis.after = total - axis.before;
    }
    const std::int64_t room = axis.image + axis.before + axis.after - axis.extent();
    if (room < 0) node.refuse("its kernel is larger than the padded image");
    axis.windows = room / axis.stride + 1;
    // A window that would start in the padding behind the image is left out.
    if (rounds_up && room % axis.stride != 0 && axis.windows * axis.stride < axis.image + axis.before) {
      ++axis.windows;
    }
  }
  return axes;
}

std::vector<Window> read_transposed_windows(const Node& node, const Shape& windows, const Shape& kernel) {
  const std::size_t rank = kernel.size();
  std::vector<Window> axes = read_steps(node, kernel);
  const List pads = read(node, "pads", 2 * rank, 0);
  const List more = read(node, "output_padding", rank, 0);
  const Padding padding = read_padding(node);
  List wanted(rank, 0);
  const bool is_stated = node.attribute("output_shape") != nullptr;
  if (is_stated) wanted = read(node, "output_shape", rank, 1);
  for (std::size_t i = 0; i < rank; ++i) {
    Window& axis = axes[i];
    axis.windows = static_cast<std::int64_t>(windows[i]);
    const std::int64_t whole = axis.stride * (axis.windows - 1) + more[i] + axis.extent();
    const bool is_same = padding == Padding::same_more_after || padding == Padding::same_more_before;
    if (is_stated || is_same) {
      axis.image = is_stated ? wanted[i] : axis.windows * axis.stride;
      const std::int64_t total = std::max<std::int64_t>(whole - axis.image, 0);
      axis.before = padding == Padding::same_more_after ? total / 2 : total - total / 2;
      axis.after = total - axis.before;
    } else {
      if (padding == Padding::stated) {
        axis.before = pads[i];
        axis.after = pads[i + rank];
      }
      axis.image = whole - axis.before - axis.after;
    }
    if (axis.image < 1) node.refuse("its pads leave nothing of the image");
    if (axis.image > static_cast<std::int64_t>(kMostElements))
      node.refuse("makes an image that is too large");
  }
  return axes;
}

std::int64_t taps_in(const Window& axis, std::int64_t window, std::int64_t low, std::int64_t high) {
  const auto [first, last] = range_of(axis, window, -low, axis.image + high);
  return last - first;
}

std::uint64_t count_taps(const Window& axis) {
  std::uint64_t count = 0;
  for (std::int64_t o = 0; o < axis.windows; ++o) count += static_cast<std::uint64_t>(taps_in(axis, o, 0, 0));
  return count;
}

std::vector<Tap> list_taps(const Window& axis) {
  std::vector<Tap> taps;
  for (std::int64_t o = 0; o < axis.windows; ++o) {
    const auto [first, last] = range_of(axis, o, 0, axis.image);
    for (std::int64_t k = first; k < last; ++k) {
      const std::int64_t at = o * axis.stride + k * axis.dilation - axis.before;
      taps.push_back(
          {static_cast<std::size_t>(o), static_cast<std::size_t>(k), static_cast<std::size_t>(at)});
    }
  }
  return taps;
}

}  // namespace opaline::network
