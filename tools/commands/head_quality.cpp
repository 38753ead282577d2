#include "commands/head_quality.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

namespace opaline::tools {
namespace {

std::vector<double> answer(const AffineMap& network, const HeadSamples& samples, std::size_t i) {
  const auto begin = samples.values.begin() + static_cast<std::ptrdiff_t>(i * samples.inputs);
  return network({begin, begin + static_cast<std::ptrdiff_t>(samples.inputs)});
}

std::size_t class_of(const std::vector<double>& logits) {
  if (logits.size() == 1) return logits.front() > 0 ? 1 : 0;
  return static_cast<std::size_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

}  // namespace

HeadQuality quality_of(const HeadTask& task, const AffineMap& network, const HeadSamples& samples) {
  HeadQuality quality;
  const auto count = static_cast<double>(samples.count());
  if (!task.is_regression()) {
    std::size_t right = 0;
    for (std::size_t i = 0; i < samples.count(); ++i) {
      if (class_of(answer(network, samples, i)) == samples.labels[i]) ++right;
    }
    quality.accuracy = static_cast<double>(right) / count;
    return quality;
  }
  const std::size_t outputs = network.outputs;
  std::vector<double> mean(outputs);
  for (std::size_t k = 0; k < samples.targets.size(); ++k) mean[k % outputs] += samples.targets[k] / count;
  std::vector<double> error(outputs);
  std::vector<double> variance(outputs);
  for (std::size_t i = 0; i < samples.count(); ++i) {
    const std::vector<double> values = answer(network, samples, i);
    for (std::size_t k = 0; k < outputs; ++k) {
      const double target = samples.targets[i * outputs + k];
      error[k] += (values[k] - target) * (values[k] - target) / count;
      variance[k] += (target - mean[k]) * (target - mean[k]) / count;
    }
  }
  for (std::size_t k = 0; k < outputs; ++k) {
    quality.rmse.push_back(std::sqrt(error[k]));
    quality.r2.push_back(variance[k] > 0 ? 1 - error[k] / variance[k] : std::nan(""));
  }
  return quality;
}

HeadQuality mean_quality(const std::vector<HeadQuality>& qualities) {
  const auto count = static_cast<double>(qualities.size());
  HeadQuality mean;
  mean.rmse.resize(qualities.front().rmse.size());
  mean.r2.resize(qualities.front().r2.size());
  for (const HeadQuality& quality : qualities) {
    mean.accuracy += quality.accuracy / count;
    for (std::size_t k = 0; k < mean.rmse.size(); ++k) {
      mean.rmse[k] += quality.rmse[k] / count;
      mean.r2[k] += quality.r2[k] / count;
    }
  }
  return mean;
}

void add_quality(nlohmann::ordered_json& report, const std::string& prefix, const HeadTask& task,
                 const HeadQuality& quality) {
  if (!task.is_regression()) {
    report[prefix + "accuracy"] = quality.accuracy;
    return;
  }
  const auto add = [&](const char* name, const std::vector<double>& values) {
    if (values.size() == 1) {
      report[prefix + name] = values.front();
      return;
    }
    for (std::size_t k = 0; k < values.size(); ++k) report[prefix + name][task.notes.answers[k]] = values[k];
  };
  add("rmse", quality.rmse);
  add("r2", quality.r2);
}

}  // namespace opaline::tools
