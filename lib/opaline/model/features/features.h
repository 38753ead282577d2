#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace opaline {

/// Public feature maps: fixed, published, independent of any data set. The client computes them before it
/// encrypts, so they say nothing about a model. They take 28 x 28 pixels, MNIST's size and polarity.
enum class FeatureMap {
  none,              ///< the pixels themselves
  gradients,         ///< 128: deskewing, histograms of gradients in 8 directions on a 4 x 4 grid
  gradients_cosine,  ///< 400: such histograms on two grids, a projection on signs, its cosine
};

/// Rows and columns of the images the maps take.
inline constexpr std::size_t kFeatureImageSide = 28;

/// The range that features are quantised over; those above (a gradient feature rarely is) are taken as the
/// end.
struct FeatureRange {
  double lowest = 0.0;
  double highest = 1.0;
};

std::size_t feature_count(FeatureMap map);   ///< 128 or 400; Error(invalid_argument) for none
FeatureRange feature_range(FeatureMap map);  ///< as feature_count
std::string_view name_of(FeatureMap map);    ///< "none", "gradients", "gradients-cosine"
std::optional<FeatureMap> feature_map_of(std::string_view name);

/// The features of one image of 784 pixels. Deterministic up to the last bits of the platform's sqrt, atan2,
/// exp and cos. Timing depends on the image. Error(invalid_argument) for another number of pixels or for
/// none.
std::vector<double> features_of(FeatureMap map, std::span<const std::uint8_t> pixels);

}  // namespace opaline
