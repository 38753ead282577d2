#include <algorithm>

#include "opaline/model/onnx/evaluate_call.h"
#include "opaline/model/onnx/sliding_window.h"

/// Convolutions and averages over windows.
namespace opaline::network::evaluation {
namespace {

/// The bias of each of `channels`, zeros if it is left out.
Numbers bias(const Call& call, std::size_t channels) {
  if (!call.has_input(2)) return Numbers(channels, 0.0);
  if (call.numbers(2).size() != channels || call.input(2).shape.size() != 1) {
    call.refuse("its bias has shape " + to_string(call.input(2).shape) + " for " + std::to_string(channels) +
                " channels");
  }
  return call.numbers(2);
}

/// The window's shape, which is that of the weights.
Shape kernel_of(const Call& call, const Tensor& weights) {
  Shape kernel = spatial(call, weights);
  const std::optional<Integers> given = call.integer_list("kernel_shape");
  if (given && !std::equal(given->begin(), given->end(), kernel.begin(), kernel.end(),
                           [](std::int64_t a, std::size_t b) { return a == to_signed(b); })) {
    call.damaged("its kernel_shape is not that of its weights");
  }
  return kernel;
}

/// How the channels fall into groups that have nothing to do with each other.
struct Groups {
  std::size_t count;
  std::size_t inputs;   ///< channels a group
  std::size_t outputs;  ///< the same of the result
};

std::size_t group_count(const Call& call, std::size_t channels) {
  const std::int64_t groups = call.integer("group", 1);
  if (groups < 1 || groups > to_signed(kMostElements) || channels % to_size(groups) != 0) {
    call.refuse(std::to_string(channels) + " channels do not fall into " + std::to_string(groups) +
                " groups");
  }
  return to_size(groups);
}

/// Accounts for the products of a convolution and for finding its taps.
void account(const Call& call, const Window& window, std::size_t batch, const Groups& groups) {
  const std::size_t places = element_count(window.output);
  const std::size_t kernel = element_count(window.kernel);
  call.work({places, kernel, batch, groups.count, groups.inputs, groups.outputs});
  call.work({places, kernel});
}

/// Y[n, m, o] = B[m] + Σ W[m, c, k] · X[n, c, o · stride - pad + k · dilation].
Outputs conv(const Call& call) {
  const Tensor& input = call.input(0);
  const Tensor& weights = call.input(1);
  const Numbers& x = call.numbers(0);
  const Numbers& w = call.numbers(1);
  const Shape over = spatial(call, input);
  const Shape kernel = kernel_of(call, weights);
  const std::size_t batch = input.shape[0];
  const std::size_t channels = weights.shape[0];
  const std::size_t count = group_count(call, channels);
  const Groups groups{count, weights.shape[1], channels / count};
  if (kernel.size() != over.size() || input.shape[1] != groups.inputs * groups.count) {
    call.refuse("weights of shape " + to_string(weights.shape) + " do not fit an input of " +
                to_string(input.shape));
  }
  const Window window = slide(call, read_sliding(call, over.size()), over, kernel, Rounding::down);
  const Shape shape = with_spatial(input, channels, window.output);
  const Numbers b = bias(call, channels);
  account(call, window, batch, groups);
  Numbers y(call.count(shape));
  const std::size_t places = element_count(window.output);
  const std::size_t inside = element_count(over);
  const std::size_t taps_a_channel = element_count(kernel);
  for (std::size_t place = 0; place < places; ++place) {
    const std::vector<Tap> met = taps(window, place).inside;
    for (std::size_t n = 0; n < batch; ++n) {
      for (std::size_t m = 0; m < channels; ++m) {
        const std::size_t first = m / groups.outputs * groups.inputs;
        double sum = b[m];
        for (std::size_t c = 0; c < groups.inputs; ++c) {
          const double* const image = x.data() + (n * input.shape[1] + first + c) * inside;
          const double* const window_weights = w.data() + (m * groups.inputs + c) * taps_a_channel;
          for (const Tap& tap : met) sum += window_weights[tap.kernel] * image[tap.input];
        }
        y[(n * channels + m) * places + place] = sum;
      }
    }
  }
  return one({shape, std::move(y)});
}

/// The window of a transposed convolution slides over its result, with its input's elements as places.
Window transposed_window(const Call& call, const Shape& places, const Shape& kernel) {
  const std::size_t axes = places.size();
  const Sliding sliding = read_sliding(call, axes);
  const Integers extra = per_axis(call, "output_padding", axes, 0, 0);
  const bool sized = call.has_attribute("output_shape");
  const bool same = sliding.auto_pad == AutoPad::same_upper || sliding.auto_pad == AutoPad::same_lower;
  const Integers asked = per_axis(call, "output_shape", axes, 0, 0);
  Window window{{}, kernel, places, sliding.strides, sliding.dilations, sliding.before, sliding.behind};
  for (std::size_t axis = 0; axis < axes; ++axis) {
    if (places[axis] == 0 || kernel[axis] == 0) call.refuse("its input or its window has no elements");
    const std::int64_t stride = sliding.strides[axis];
    const std::int64_t full =
        stride * (to_signed(places[axis]) - 1) + extra[axis] + extent(kernel[axis], sliding.dilations[axis]);
    std::int64_t size = full - sliding.before[axis] - sliding.behind[axis];
    if (sized || same) {
      size = sized ? asked[axis] : to_signed(places[axis]) * stride;
      const std::int64_t pads = std::max<std::int64_t>(0, full - size);
      window.before[axis] = sliding.auto_pad == AutoPad::same_upper ? pads / 2 : pads - pads / 2;
      window.behind[axis] = pads - window.before[axis];
    }
    window.input.push_back(call.dimension(size));
  }
  static_cast<void>(call.count(window.input));
  return window;
}

/// Y[n, m, o · stride - pad + k · dilation] gathers W[c, m, k] · X[n, c, o], and B[m] once.
Outputs conv_transpose(const Call& call) {
  const Tensor& input = call.input(0);
  const Tensor& weights = call.input(1);
  const Numbers& x = call.numbers(0);
  const Numbers& w = call.numbers(1);
  const Shape over = spatial(call, input);
  const Shape kernel = kernel_of(call, weights);
  const std::size_t batch = input.shape[0];
  const std::size_t inputs = input.shape[1];
  const std::size_t count = group_count(call, inputs);
  const Groups groups{count, inputs / count, weights.shape[1]};
  if (kernel.size() != over.size() || inputs != weights.shape[0]) {
    call.refuse("weights of shape " + to_string(weights.shape) + " do not fit an input of " +
                to_string(input.shape));
  }
  const std::size_t channels = groups.count * groups.outputs;
  const Window window = transposed_window(call, over, kernel);
  const Shape shape = with_spatial(input, channels, window.input);
  const Numbers b = bias(call, channels);
  account(call, window, batch, groups);
  Numbers y(call.count(shape));
  const std::size_t places = element_count(over);
  const std::size_t inside = element_count(window.input);
  const std::size_t taps_a_channel = element_count(kernel);
  for (std::size_t i = 0; i < y.size(); ++i) y[i] = b[i / inside % channels];
  for (std::size_t place = 0; place < places; ++place) {
    const std::vector<Tap> met = taps(window, place).inside;
    for (std::size_t n = 0; n < batch; ++n) {
      for (std::size_t c = 0; c < inputs; ++c) {
        const std::size_t first = c / groups.inputs * groups.outputs;
        const double factor = x[(n * inputs + c) * places + place];
        for (std::size_t m = 0; m < groups.outputs; ++m) {
          double* const image = y.data() + (n * channels + first + m) * inside;
          const double* const window_weights = w.data() + (c * groups.outputs + m) * taps_a_channel;
          for (const Tap& tap : met) image[tap.input] += window_weights[tap.kernel] * factor;
        }
      }
    }
  }
  return one({shape, std::move(y)});
}

/// With count_include_pad the pads count as zeros; what a rounded-up window has beyond them never counts.
Outputs average_pool(const Call& call) {
  const Tensor& input = call.input(0);
  const Numbers& x = call.numbers(0);
  const Shape over = spatial(call, input);
  if (call.opset() < 19 && call.has_attribute("dilations"))
    call.damaged("operator set 19 is the first with dilations");
  if (!call.has_attribute("kernel_shape")) call.damaged("it lacks its kernel_shape");
  Shape kernel;
  for (const std::int64_t size : per_axis(call, "kernel_shape", over.size(), 1, 1))
    kernel.push_back(to_size(size));
  const Rounding rounding = call.integer("ceil_mode", 0) == 0 ? Rounding::down : Rounding::up;
  const bool pads_count = call.integer("count_include_pad", 0) != 0;
  const Window window = slide(call, read_sliding(call, over.size()), over, kernel, rounding);
  const std::size_t images = input.shape[0] * input.shape[1];
  const Shape shape = with_spatial(input, input.shape[1], window.output);
  account(call, window, images, {1, 1, 1});
  Numbers y(call.count(shape));
  const std::size_t places = element_count(window.output);
  const std::size_t inside = element_count(over);
  for (std::size_t place = 0; place < places; ++place) {
    const Taps met = taps(window, place);
    const std::size_t divisor = pads_count ? met.with_pads : met.inside.size();
    if (divisor == 0) call.refuse("a window lies in the pads alone");
    for (std::size_t image = 0; image < images; ++image) {
      double sum = 0.0;
      for (const Tap& tap : met.inside) sum += x[image * inside + tap.input];
      y[image * places + place] = sum / static_cast<double>(divisor);
    }
  }
  return one({shape, std::move(y)});
}

Outputs global_average_pool(const Call& call) {
  const Tensor& input = call.input(0);
  const Numbers& x = call.numbers(0);
  const Shape over = spatial(call, input);
  const std::size_t inside = element_count(over);
  if (inside == 0) call.refuse("it averages nothing");
  call.work({x.size()});
  Numbers y(input.shape[0] * input.shape[1]);
  for (std::size_t i = 0; i < x.size(); ++i) y[i / inside] += x[i];
  for (double& value : y) value /= static_cast<double>(inside);
  return one({with_spatial(input, input.shape[1], Shape(over.size(), 1)), std::move(y)});
}

}  // namespace

const std::vector<Operator>& window_operators() {
  static const std::vector<Operator> table{
      {"Conv", 2, 3, {"auto_pad", "dilations", "group", "kernel_shape", "pads", "strides"}, conv},
      {"ConvTranspose",
       2,
       3,
       {"auto_pad", "dilations", "group", "kernel_shape", "output_padding", "output_shape", "pads",
        "strides"},
       conv_transpose},
      {"AveragePool",
       1,
       1,
       {"auto_pad", "ceil_mode", "count_include_pad", "dilations", "kernel_shape", "pads", "strides"},
       average_pool},
      {"GlobalAveragePool", 1, 1, {}, global_average_pool},
  };
  return table;
}

}  // namespace opaline::network::evaluation
