#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "opaline/model/features/features.h"

namespace opaline {

/// Directions that gradients are sorted into.
inline constexpr std::size_t kDirections = 8;

inline constexpr std::size_t kFeaturePixels = kFeatureImageSide * kFeatureImageSide;
using FeatureImage = std::array<std::uint8_t, kFeaturePixels>;  ///< row by row

/// The image centred and sheared upright by its moments of intensity. An empty one stays as it is.
FeatureImage deskewed(std::span<const std::uint8_t, kFeaturePixels> pixels);

/// The gradient at one pixel, its size shared between the two directions it lies between.
struct GradientVote {
  std::size_t row = 0;
  std::size_t column = 0;
  std::size_t direction = 0;  ///< 0 … 7; the next is direction + 1 modulo 8
  double share = 0.0;         ///< what `direction` receives
  double next_share = 0.0;
};

/// The gradients of pixel/255 that are not 0, row by row: central differences, zeros around the image.
std::vector<GradientVote> gradient_votes(const FeatureImage& image);

/// Gaussian windows on `side` × `side` points, symmetric about the image's centre.
class WindowGrid {
 public:
  WindowGrid(std::size_t side, double first_centre, double sigma);

  std::size_t size() const { return kDirections * side_ * side_; }

  /// Adds up the votes under each window: T at direction·side² + i·side + j. Gives √T over the root of
  /// the mean of all T (and 1e-6, so that an empty image gives zeros).
  std::vector<double> histograms(std::span<const GradientVote> votes) const;

 private:
  std::size_t side_;
  std::vector<double> by_position_;  ///< one weight a window, position after position
};

}  // namespace opaline
