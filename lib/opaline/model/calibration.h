#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "opaline/model/data/dataset.h"
#include "opaline/model/features/features.h"
#include "opaline/model/input_encoding.h"

namespace opaline {

/// Inputs of a network to choose widths on and to report with.
struct CalibrationSet {
  std::size_t count = 0;
  std::size_t inputs = 0;              ///< numbers an input
  std::vector<double> values;          ///< count × inputs
  std::vector<std::uint16_t> classes;  ///< the true class of each, or none
  std::vector<double> targets;         ///< of a regression: count × outputs, or none

  std::span<const double> operator[](std::size_t i) const {
    return std::span(values).subspan(i * inputs, inputs);
  }
};

/// Images as a network sees them: scaled pixels, or their features. `labels` may be empty.
/// Error(invalid_argument) if images or labels contradict themselves or the feature map.
CalibrationSet calibration_of(const ImageSet& images, std::span<const std::uint8_t> labels,
                              FeatureMap features, const PixelScaling& pixels);

/// The set, and as many mixtures of two of its inputs, in random shares, as make it 10,000 (fewer of inputs
/// with very many numbers); without classes and targets. Few inputs say little of what lies between classes,
/// where integers change the answer; mixtures do. Deterministic.
CalibrationSet with_mixtures(const CalibrationSet& calibration);

/// Ranges widened on both sides by a tenth of their length, for data to come, but not from numbers that are
/// never negative to below 0.
std::vector<InputRange> widened(std::vector<InputRange> ranges);

/// The widened range of each input's values. Error(invalid_argument) if there is no input.
std::vector<InputRange> widened_ranges(const CalibrationSet& calibration);

}  // namespace opaline
