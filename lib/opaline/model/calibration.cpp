#include "opaline/model/calibration.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/base/parallel.h"
#include "opaline/model/training/seeded_random.h"

namespace opaline {
namespace {

constexpr double kWidening = 0.1;
constexpr std::size_t kEnough = 10000;
constexpr std::size_t kMostNumbers = std::size_t{1} << 26;
constexpr std::uint64_t kSeed = 1;

}  // namespace

CalibrationSet calibration_of(const ImageSet& images, std::span<const std::uint8_t> labels,
                              FeatureMap features, const PixelScaling& pixels) {
  if (images.pixels.size() != images.count * images.image_size()) {
    throw Error(ErrorKind::invalid_argument, "the calibration images do not have the pixels they claim");
  }
  CalibrationSet set;
  set.count = images.count;
  set.inputs = features == FeatureMap::none ? images.image_size() : feature_count(features);
  set.classes.assign(labels.begin(), labels.end());
  set.values.resize(set.count * set.inputs);
  parallel_for(images.count, [&](std::size_t i) {
    const auto place = set.values.begin() + static_cast<std::ptrdiff_t>(i * set.inputs);
    if (features == FeatureMap::none) {
      std::transform(images[i].begin(), images[i].end(), place, pixels);
    } else {
      const std::vector<double> values = features_of(features, images[i]);
      std::copy(values.begin(), values.end(), place);
    }
  });
  return set;
}

std::vector<InputRange> widened_ranges(const CalibrationSet& calibration) {
  if (calibration.count == 0) throw Error(ErrorKind::invalid_argument, "there is nothing to take ranges of");
  std::vector<InputRange> ranges;
  for (std::size_t j = 0; j < calibration.inputs; ++j) {
    InputRange range{calibration.values.at(j), calibration.values[j]};
    for (std::size_t i = 1; i < calibration.count; ++i) {
      const double value = calibration[i][j];
      range = {std::min(range.lowest, value), std::max(range.highest, value)};
    }
    ranges.push_back(range);
  }
  return widened(std::move(ranges));
}

CalibrationSet with_mixtures(const CalibrationSet& calibration) {
  CalibrationSet mixed{calibration.count, calibration.inputs, calibration.values, {}, {}};
  if (calibration.count < 2) return mixed;
  const std::size_t enough = std::min(kEnough, kMostNumbers / std::max<std::size_t>(calibration.inputs, 1));
  SeededRandom random(kSeed);
  for (; mixed.count < enough; ++mixed.count) {
    const std::span<const double> first = calibration[random.below(calibration.count)];
    const std::span<const double> second = calibration[random.below(calibration.count)];
    const double share = random.uniform();
    for (std::size_t j = 0; j < calibration.inputs; ++j) {
      mixed.values.push_back(share * first[j] + (1 - share) * second[j]);
    }
  }
  return mixed;
}

std::vector<InputRange> widened(std::vector<InputRange> ranges) {
  for (auto& [lowest, highest] : ranges) {
    // A column that never varies has no length; its weight is 0, so any will do.
    const double length = highest > lowest ? highest - lowest : std::max(std::abs(lowest), 1.0);
    lowest = lowest >= 0.0 ? std::max(0.0, lowest - kWidening * length) : lowest - kWidening * length;
    highest += kWidening * length;
  }
  return ranges;
}

}  // namespace opaline
