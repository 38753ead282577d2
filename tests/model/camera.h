#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "opaline/base/bytes.h"
#include "opaline/model/photograph.h"

namespace opaline::test {

/// How a digit of 28×28 pixels is photographed.
struct Shot {
  std::size_t enlargement = 10;  ///< pixels a pixel
  bool dark_on_light = true;
  bool smooth = true;      ///< pixels flow into each other (bilinear)
  std::size_t border = 0;  ///< rows and columns of paper around, of different widths
  double paper = 215;      ///< grey levels
  double ink = 40;
  double gradient = 0;  ///< share by which light falls off from one corner to the other
  double noise = 0;     ///< standard deviation, grey levels
  std::uint64_t seed = 1;
};

/// The picture such a camera takes.
GreyImage photograph(std::span<const std::uint8_t> digit, const Shot& shot);

/// Such shots of every kind: sizes ×3 to ×20, both polarities, borders, light and noise, by a seed.
Shot any_shot(std::uint64_t seed);

/// A grey PNG file (libpng's own writer).
Bytes png_of(const GreyImage& picture);

/// The mean absolute difference of two images' pixels.
double mean_difference(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b);

}  // namespace opaline::test
