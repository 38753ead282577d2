#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "opaline/model/onnx/evaluate_call.h"
#include "opaline/model/onnx/tensor.h"

/// What Conv, ConvTranspose and AveragePool have in common: a window that slides over the axes behind batch
/// and channel.
namespace opaline::network::evaluation {

enum class AutoPad { notset, same_upper, same_lower, valid };

/// The attributes auto_pad, pads, strides and dilations, checked. One number an axis in each list.
struct Sliding {
  AutoPad auto_pad;
  Integers strides;
  Integers dilations;
  Integers before;  ///< pads
  Integers behind;
};

/// For a window over `axes` axes. Error(damaged) if the attributes contradict each other.
Sliding read_sliding(const Call& call, std::size_t axes);

/// An attribute with one number an axis, all of them from `lowest` to 2^26; `otherwise` if it is left out.
Integers per_axis(const Call& call, std::string_view name, std::size_t axes, std::int64_t lowest,
                  std::int64_t otherwise);

/// The dimensions behind batch and channel. Error(unsupported_model) if there are none.
Shape spatial(const Call& call, const Tensor& tensor);

/// The same in place of those of `tensor`, with `channels`.
Shape with_spatial(const Tensor& tensor, std::size_t channels, const Shape& spatial);

/// A window of shape `kernel` slides over `input`: at place o it meets o · stride - before + k · dilation.
struct Window {
  Shape input;
  Shape kernel;
  Shape output;  ///< how many places there are
  Integers strides;
  Integers dilations;
  Integers before;
  Integers behind;
};

/// How far apart the first and the last element of the window stand, plus one.
std::int64_t extent(std::size_t kernel, std::int64_t dilation);

enum class Rounding { down, up };

/// Works out pads and number of places of a window that slides over `input`; with Rounding::up the last place
/// may reach beyond the pads, but has to begin before them.
Window slide(const Call& call, const Sliding& sliding, const Shape& input, const Shape& kernel,
             Rounding rounding);

/// An element of the window that lies inside the input.
struct Tap {
  std::size_t kernel;
  std::size_t input;
};

/// Those of place number `place`, and how many elements lie inside the input or its pads.
struct Taps {
  std::vector<Tap> inside;
  std::size_t with_pads;
};

Taps taps(const Window& window, std::size_t place);

}  // namespace opaline::network::evaluation
