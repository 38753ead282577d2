#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "commands/head_fitting.h"

namespace opaline::tools {

/// How good a network's answers are. Of a classification the accuracy; of a regression, for each target, the
/// root of the mean squared error and R² (no number where the samples' targets are all equal).
struct HeadQuality {
  double accuracy = 0.0;
  std::vector<double> rmse;
  std::vector<double> r2;
};

/// Of a written network on samples as clients have them.
HeadQuality quality_of(const HeadTask& task, const AffineMap& network, const HeadSamples& samples);

/// The mean of several.
HeadQuality mean_quality(const std::vector<HeadQuality>& qualities);

/// Adds the fields "PREFIXaccuracy", or "PREFIXrmse" and "PREFIXr2", by target if there are several.
void add_quality(nlohmann::ordered_json& report, const std::string& prefix, const HeadTask& task,
                 const HeadQuality& quality);

}  // namespace opaline::tools
