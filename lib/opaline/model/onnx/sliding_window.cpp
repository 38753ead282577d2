#include "opaline/model/onnx/sliding_window.h"

#include <algorithm>

namespace opaline::network::evaluation {
namespace {

AutoPad read_auto_pad(const Call& call) {
  const std::string text = call.text("auto_pad", "NOTSET");
  if (text == "NOTSET") return AutoPad::notset;
  if (text == "SAME_UPPER") return AutoPad::same_upper;
  if (text == "SAME_LOWER") return AutoPad::same_lower;
  if (text == "VALID") return AutoPad::valid;
  call.damaged("its auto_pad is none of NOTSET, SAME_UPPER, SAME_LOWER and VALID");
}

std::int64_t divide_up(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }

}  // namespace

Integers per_axis(const Call& call, std::string_view name, std::size_t axes, std::int64_t lowest,
                  std::int64_t otherwise) {
  const Integers numbers = call.integer_list(name).value_or(Integers(axes, otherwise));
  if (numbers.size() != axes) {
    call.damaged("its " + std::string(name) + " need " + std::to_string(axes) + " numbers");
  }
  for (const std::int64_t number : numbers) {
    if (number < lowest || number > to_signed(kMostElements)) {
      call.damaged("its " + std::string(name) + " hold " + std::to_string(number));
    }
  }
  return numbers;
}

Sliding read_sliding(const Call& call, std::size_t axes) {
  const AutoPad auto_pad = read_auto_pad(call);
  const Integers pads = per_axis(call, "pads", 2 * axes, 0, 0);
  const bool padded = std::any_of(pads.begin(), pads.end(), [](std::int64_t pad) { return pad != 0; });
  if (padded && auto_pad != AutoPad::notset) call.damaged("it has both pads and auto_pad");
  const auto middle = pads.begin() + to_signed(axes);
  return {auto_pad, per_axis(call, "strides", axes, 1, 1), per_axis(call, "dilations", axes, 1, 1),
          Integers(pads.begin(), middle), Integers(middle, pads.end())};
}

Shape spatial(const Call& call, const Tensor& tensor) {
  if (tensor.shape.size() < 3) {
    call.refuse("shape " + to_string(tensor.shape) + " has no axes behind batch and channel");
  }
  return {tensor.shape.begin() + 2, tensor.shape.end()};
}

Shape with_spatial(const Tensor& tensor, std::size_t channels, const Shape& spatial) {
  Shape shape{tensor.shape[0], channels};
  shape.insert(shape.end(), spatial.begin(), spatial.end());
  return shape;
}

std::int64_t extent(std::size_t kernel, std::int64_t dilation) {
  return (to_signed(kernel) - 1) * dilation + 1;
}

Window slide(const Call& call, const Sliding& sliding, const Shape& input, const Shape& kernel,
             Rounding rounding) {
  Window window{input, kernel, {}, sliding.strides, sliding.dilations, sliding.before, sliding.behind};
  for (std::size_t axis = 0; axis < input.size(); ++axis) {
    const std::int64_t size = to_signed(input[axis]);
    const std::int64_t stride = sliding.strides[axis];
    const std::int64_t reach = extent(kernel[axis], sliding.dilations[axis]);
    std::int64_t& before = window.before[axis];
    std::int64_t& behind = window.behind[axis];
    if (kernel[axis] == 0) call.refuse("its window has no elements");
    if (sliding.auto_pad == AutoPad::same_upper || sliding.auto_pad == AutoPad::same_lower) {
      const std::int64_t pads =
          std::max<std::int64_t>(0, (divide_up(size, stride) - 1) * stride + reach - size);
      before = sliding.auto_pad == AutoPad::same_upper ? pads / 2 : pads - pads / 2;
      behind = pads - before;
    }
    const std::int64_t room = before + size + behind - reach;
    if (size == 0 || room < 0) call.refuse("its window is larger than its input");
    std::int64_t places = room / stride + 1;
    if (rounding == Rounding::up) {
      places = divide_up(room, stride) + 1;
      if ((places - 1) * stride >= before + size) --places;
    }
    window.output.push_back(call.dimension(places));
  }
  static_cast<void>(call.count(window.output));
  static_cast<void>(call.count(window.kernel));
  return window;
}

Taps taps(const Window& window, std::size_t place) {
  Taps taps{{{0, 0}}, 1};
  std::vector<std::size_t> places(window.output.size());
  for (std::size_t axis = window.output.size(); axis-- > 0;) {
    places[axis] = place % window.output[axis];
    place /= window.output[axis];
  }
  // Axis by axis, every tap so far with every element of the window along that axis.
  for (std::size_t axis = 0; axis < window.input.size(); ++axis) {
    const std::int64_t size = to_signed(window.input[axis]);
    const std::int64_t start = to_signed(places[axis]) * window.strides[axis] - window.before[axis];
    std::vector<Tap> along;
    std::size_t with_pads = 0;
    for (std::size_t k = 0; k < window.kernel[axis]; ++k) {
      const std::int64_t at = start + to_signed(k) * window.dilations[axis];
      if (at < size + window.behind[axis]) ++with_pads;
      if (at >= 0 && at < size) along.push_back({k, to_size(at)});
    }
    std::vector<Tap> product;
    for (const Tap& tap : taps.inside) {
      for (const Tap& next : along) {
        product.push_back(
            {tap.kernel * window.kernel[axis] + next.kernel, tap.input * window.input[axis] + next.input});
      }
    }
    taps.inside = std::move(product);
    taps.with_pads *= with_pads;
  }
  return taps;
}

}  // namespace opaline::network::evaluation
