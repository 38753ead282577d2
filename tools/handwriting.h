#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "digit_strokes.h"
#include "opaline/model/seeded_random.h"

namespace opaline {

inline constexpr std::size_t kDigitSide = 28;
using DigitImage = std::array<std::uint8_t, kDigitSide * kDigitSide>;

/// How one person writes. Lengths are shares of a digit's height.
struct Hand {
  explicit Hand(SeededRandom& random);

  double slant;     ///< x added per height
  double rotation;  ///< radians
  double width;     ///< of the digits, by the copybook's
  double pen;       ///< half the width of the line
  double pressure;  ///< share by which the line swells and shrinks
  double waviness;  ///< slow bending of the whole digit
  double unrest;    ///< how far the pen misses each point
};

/// The strokes as that hand draws them this time: ink 255 on 0, scaled to fit 20×20 pixels and placed with
/// its centre of mass in the middle pixel (14, 14) of 28×28, as MNIST's digits are (LeCun, Cortes, Burges).
DigitImage draw(const std::vector<PenStroke>& strokes, const Hand& hand, SeededRandom& random);

/// The same in another size and not centred: ink 255 on 0, side × side pixels, which the digit fills the
/// longer way from the upper left corner.
std::vector<std::uint8_t> draw_large(const std::vector<PenStroke>& strokes, const Hand& hand,
                                     SeededRandom& random, std::size_t side);

}  // namespace opaline
