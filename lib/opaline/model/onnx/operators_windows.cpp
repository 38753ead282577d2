#include <limits>
#include <utility>

#include "opaline/model/onnx/operators.h"
#include "opaline/model/onnx/windows.h"

/// Convolutions and averages over windows, in any number of dimensions.
namespace opaline::network {
namespace {

/// Images × channels × rows × columns × …
Shape inner_shape(const Shape& shape) { return {shape.begin() + 2, shape.end()}; }

std::size_t inner_count(const Shape& shape) { return element_count(inner_shape(shape)); }

std::vector<std::vector<Tap>> list_all(const std::vector<Window>& axes) {
  std::vector<std::vector<Tap>> taps;
  for (const Window& axis : axes) taps.push_back(list_taps(axis));
  return taps;
}

constexpr std::uint64_t kMostTaps = std::uint64_t{1} << 24;  // of one axis, which are listed

/// The entries of `times` copies of a kernel's taps. Error(unsupported_model) if they are too many.
std::uint64_t count_entries(const Node& node, const std::vector<Window>& axes, std::size_t times) {
  std::uint64_t count = times;
  for (const Window& axis : axes) {
    const std::uint64_t taps = count_taps(axis);
    if (taps > kMostTaps || (taps > 0 && count > kMostVisits / taps)) {
      node.refuse("takes more than 2^36 multiplications; it is too large");
    }
    count *= taps;
  }
  return count;
}

/// Element counts of a convolution, of any sort.
struct Channels {
  std::size_t images, groups;
  std::size_t wide, narrow;  ///< a group's channels at the windows, and at the image
};

/// Calls visit(window element, image element, weight element), all of their whole tensors. The weights of a
/// Conv are windows' channels × image's channels, those of a ConvTranspose as well: its windows are its
/// input.
template <typename Visit>
void for_each_weight(const Channels& channels, const std::vector<Window>& axes, const Visit& visit) {
  std::size_t windows = 1;
  std::size_t image = 1;
  std::size_t kernel = 1;
  for (const Window& axis : axes) {
    windows *= static_cast<std::size_t>(axis.windows);
    image *= static_cast<std::size_t>(axis.image);
    kernel *= static_cast<std::size_t>(axis.kernel);
  }
  const std::vector<std::vector<Tap>> taps = list_all(axes);
  for (std::size_t block = 0; block < channels.images * channels.groups; ++block) {
    const std::size_t group = block % channels.groups;
    for (std::size_t m = 0; m < channels.wide; ++m) {
      const std::size_t at_window = (block * channels.wide + m) * windows;
      for (std::size_t c = 0; c < channels.narrow; ++c) {
        const std::size_t at_image = (block * channels.narrow + c) * image;
        const std::size_t at_weight = ((group * channels.wide + m) * channels.narrow + c) * kernel;
        for_each_tap(axes, taps, [&](const Tap& tap) {
          visit(at_window + tap.window, at_image + tap.image, at_weight + tap.kernel);
        });
      }
    }
  }
}

enum class Direction { forward, transposed };

/// What a convolution does to whichever of its inputs 0 and 1 depends on the network's input.
Step convolution_step(const Node& node, const Channels& channels, const std::vector<Window>& axes,
                      Direction direction) {
  const std::size_t times = channels.images * channels.groups * channels.wide * channels.narrow;
  const std::uint64_t entries = count_entries(node, axes, times);
  const std::size_t at = node.variable(0) != nullptr ? 0 : 1;
  const Variable& x = node.need_variable(at);
  const Constant other = node.need_numbers(1 - at);
  const bool forward = direction == Direction::forward;
  return visiting_step(entries, x, [=](const auto& emit) {
    const double* values = numbers_of(*other).data();
    for_each_weight(channels, axes, [&](std::size_t window, std::size_t image, std::size_t weight) {
      const std::size_t to = forward ? window : image;
      const std::size_t from = forward ? image : window;
      if (at == 0) {
        emit(to, from, values[weight]);
      } else {
        emit(to, weight, values[from]);
      }
    });
  });
}

void need_images(const Node& node, const Shape& shape) {
  if (shape.size() < 3) node.refuse("takes a tensor of images and channels, then rows, columns, …");
}

/// The bias, one number a channel of the result.
void add_bias(const Node& node, const Shape& shape, std::vector<Step>& steps) {
  if (!node.has_input(2)) return;
  if (node.need_shape(2) != Shape{shape[1]}) node.refuse("its bias does not fit its weights");
  Strides by_channel{0, std::vector<std::ptrdiff_t>(shape.size(), 0)};
  by_channel.steps[1] = 1;
  if (const Variable* bias = node.variable(2)) {
    steps.push_back(variable_step(shape, in_order(shape), *bias, by_channel));
  } else {
    steps.push_back(constant_step(shape, in_order(shape), {1.0, node.need_numbers(2), by_channel}));
  }
}

std::size_t groups_of(const Node& node, std::size_t channels) {
  const std::int64_t groups = node.integer("group", 1);
  if (groups < 1 || channels % static_cast<std::uint64_t>(groups) != 0) {
    node.refuse("its group " + std::to_string(groups) + " does not divide " + std::to_string(channels) +
                " channels");
  }
  return static_cast<std::size_t>(groups);
}

Shape with_channels(std::size_t images, std::size_t channels, const Shape& inner) {
  Shape shape = {images, channels};
  shape.insert(shape.end(), inner.begin(), inner.end());
  return shape;
}

Values convolution(const Node& node, ForwardPass& pass) {
  const Shape& x = node.need_shape(0);
  const Shape& w = node.need_shape(1);
  need_images(node, x);
  if (w.size() != x.size() || product(w) == 0)
    node.refuse("its weights have to have the dimensions of its input");
  const std::size_t groups = groups_of(node, w[0]);
  if (x[1] % groups != 0 || x[1] / groups != w[1]) {
    node.refuse("its weights of shape " + to_string(w) + " do not fit an input of shape " + to_string(x));
  }
  const std::vector<Window> axes = read_windows(node, inner_shape(x), inner_shape(w));
  Shape inner;
  for (const Window& axis : axes) inner.push_back(static_cast<std::size_t>(axis.windows));
  const Shape shape = node.checked(with_channels(x[0], w[0], inner));
  const Channels channels{x[0], groups, w[0] / groups, w[1]};
  std::vector<Step> steps = {convolution_step(node, channels, axes, Direction::forward)};
  add_bias(node, shape, steps);
  return {pass.make(node, shape, std::move(steps))};
}

Values transposed_convolution(const Node& node, ForwardPass& pass) {
  const Shape& x = node.need_shape(0);
  const Shape& w = node.need_shape(1);
  need_images(node, x);
  if (w.size() != x.size() || product(w) == 0 || x[1] != w[0]) {
    node.refuse("its weights of shape " + to_string(w) + " do not fit an input of shape " + to_string(x));
  }
  const std::size_t groups = groups_of(node, w[0]);
  const std::vector<Window> axes = read_transposed_windows(node, inner_shape(x), inner_shape(w));
  Shape inner;
  for (const Window& axis : axes) inner.push_back(static_cast<std::size_t>(axis.image));
  const Shape shape = node.checked(with_channels(x[0], w[1] * groups, inner));
  const Channels channels{x[0], groups, w[0] / groups, w[1]};
  std::vector<Step> steps = {convolution_step(node, channels, axes, Direction::transposed)};
  add_bias(node, shape, steps);
  return {pass.make(node, shape, std::move(steps))};
}

/// One over the number of elements that each window averages.
std::vector<double> shares_of(const Node& node, const std::vector<Window>& axes) {
  const bool counts_padding = node.is_set("count_include_pad");
  std::vector<double> shares = {1.0};
  for (const Window& axis : axes) {
    std::vector<double> next;
    for (const double outer : shares) {
      for (std::int64_t o = 0; o < axis.windows; ++o) {
        const std::int64_t count =
            counts_padding ? taps_in(axis, o, axis.before, axis.after) : taps_in(axis, o, 0, 0);
        if (count == 0) node.refuse("has a window with nothing but padding in it");
        next.push_back(outer / static_cast<double>(count));
      }
    }
    shares = std::move(next);
  }
  return shares;
}

Values average_pool(const Node& node, ForwardPass& pass) {
  const Variable& x = node.need_variable(0);
  need_images(node, x.shape);
  const auto stated = node.integers("kernel_shape");
  if (!stated || stated->size() != x.shape.size() - 2)
    node.refuse("needs a kernel_shape of the image's dimensions");
  Shape kernel;
  for (const std::int64_t size : *stated) {
    if (size < 1 || size > static_cast<std::int64_t>(kMostElements))
      node.refuse("has an impossible kernel_shape");
    kernel.push_back(static_cast<std::size_t>(size));
  }
  const std::vector<Window> axes = read_windows(node, inner_shape(x.shape), kernel);
  Shape inner;
  for (const Window& axis : axes) inner.push_back(static_cast<std::size_t>(axis.windows));
  const Shape shape = node.checked(with_channels(x.shape[0], x.shape[1], inner));
  const std::size_t planes = x.shape[0] * x.shape[1];
  const std::uint64_t entries = count_entries(node, axes, planes);
  const std::size_t windows = inner_count(shape);
  const std::size_t image = inner_count(x.shape);
  pass.keep(node, windows);
  const auto visit = [=, shares = shares_of(node, axes)](const auto& emit) {
    const std::vector<std::vector<Tap>> taps = list_all(axes);
    for (std::size_t plane = 0; plane < planes; ++plane) {
      for_each_tap(axes, taps, [&](const Tap& tap) {
        emit(plane * windows + tap.window, plane * image + tap.image, shares[tap.window]);
      });
    }
  };
  return {pass.make(node, shape, {visiting_step(entries, x, visit)})};
}

}  // namespace

const std::vector<Operator>& window_operators() {
  static const std::vector<Operator> kTable = {
      {"AveragePool",
       1,
       1,
       {"auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads", "strides"},
       average_pool},
      {"Conv", 2, 3, {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"}, convolution},
      {"ConvTranspose",
       2,
       3,
       {"auto_pad", "dilations", "group", "kernel_shape", "output_padding", "output_shape", "pads",
        "strides"},
       transposed_convolution},
  };
  return kTable;
}

}  // namespace opaline::network
