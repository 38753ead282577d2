#include "opaline/model/features.h"

#include <array>
#include <string>

#include "opaline/base/error.h"
#include "opaline/model/gradient_histogram.h"
#include "opaline/model/sign_projection.h"

namespace opaline {
namespace {

struct Facts {
  FeatureMap map;
  std::string_view name;
  std::size_t count;
  FeatureRange range;
};

constexpr std::array kMaps = {Facts{FeatureMap::none, "none", 0, {}},
                              Facts{FeatureMap::gradients, "gradients", 128, {0.0, 3.5}},
                              Facts{FeatureMap::gradients_cosine, "gradients-cosine", 400, {-1.0, 1.0}}};

[[noreturn]] void refuse(const std::string& why) {
  throw Error(ErrorKind::invalid_argument, "features: " + why);
}

const Facts& facts(FeatureMap map) { return kMaps.at(static_cast<std::size_t>(map)); }

const Facts& facts_of_map(FeatureMap map) {
  if (map == FeatureMap::none) refuse("no map was chosen; choose gradients or gradients-cosine");
  return facts(map);
}

// The constants are part of the maps' definition: another value is another map.

std::vector<double> gradients(std::span<const GradientVote> votes) {
  static const WindowGrid grid(4, 4.5, 2.4);
  return grid.histograms(votes);
}

std::vector<double> gradients_cosine(std::span<const GradientVote> votes) {
  static const WindowGrid coarse(4, 4.0, 3.0);
  static const WindowGrid fine(7, 2.0, 1.8);
  static const SignProjection projection(coarse.size() + fine.size(),
                                         feature_count(FeatureMap::gradients_cosine), 1);
  std::vector<double> histograms = coarse.histograms(votes);
  const std::vector<double> more = fine.histograms(votes);
  histograms.insert(histograms.end(), more.begin(), more.end());
  return projection.cosines(histograms);
}

}  // namespace

std::size_t feature_count(FeatureMap map) { return facts_of_map(map).count; }

FeatureRange feature_range(FeatureMap map) { return facts_of_map(map).range; }

std::string_view name_of(FeatureMap map) { return facts(map).name; }

std::optional<FeatureMap> feature_map_of(std::string_view name) {
  for (const Facts& facts : kMaps) {
    if (facts.name == name) return facts.map;
  }
  return std::nullopt;
}

std::vector<double> features_of(FeatureMap map, std::span<const std::uint8_t> pixels) {
  facts_of_map(map);
  if (pixels.size() != kFeaturePixels) {
    refuse("an image has 28 x 28 pixels, not " + std::to_string(pixels.size()));
  }
  const std::vector<GradientVote> votes = gradient_votes(deskewed(pixels.first<kFeaturePixels>()));
  return map == FeatureMap::gradients ? gradients(votes) : gradients_cosine(votes);
}

}  // namespace opaline
