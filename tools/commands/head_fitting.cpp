#include "commands/head_fitting.h"

#include <CLI/CLI.hpp>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>

#include "commands/head_quality.h"
#include "opaline/base/file.h"
#include "opaline/model/folds.h"
#include "opaline/model/linear_head.h"

namespace opaline::tools {
namespace {

struct FittedNetwork {
  Bytes onnx;
  AffineMap map;  // as it is read again from the file
  double loss = 0.0;
  std::size_t iterations = 0;
};

// The samples of which `chosen` says `side`.
HeadSamples part_of(const HeadSamples& samples, const std::vector<bool>& chosen, bool side) {
  HeadSamples part;
  part.inputs = samples.inputs;
  const std::size_t outputs = samples.targets.size() / samples.count();
  const auto append = [](auto& to, const auto& from, std::size_t i, std::size_t width) {
    const auto begin = from.begin() + static_cast<std::ptrdiff_t>(i * width);
    to.insert(to.end(), begin, begin + static_cast<std::ptrdiff_t>(width));
  };
  for (std::size_t i = 0; i < samples.count(); ++i) {
    if (chosen[i] != side) continue;
    append(part.values, samples.values, i, samples.inputs);
    if (!samples.labels.empty()) part.labels.push_back(samples.labels[i]);
    append(part.targets, samples.targets, i, outputs);
  }
  return part;
}

// For drawing folds: a regression's samples are all of one kind.
std::vector<std::uint16_t> strata(const HeadSamples& samples) {
  return samples.labels.empty() ? std::vector<std::uint16_t>(samples.count()) : samples.labels;
}

FittedNetwork fit(const HeadTask& task, const HeadSamples& samples, const std::string& title,
                  const Session& session) {
  ProgressBar bar(title, task.fit.most_iterations, session.progress);
  const auto progress = [&](const FitProgress& now) {
    std::ostringstream note;
    note << "loss " << std::setprecision(6) << now.loss << ", gradient " << std::setprecision(2)
         << now.gradient_norm;
    bar.note(note.str());
    bar.update(now.iteration);
  };
  HeadNetwork network;
  network.notes = task.notes;
  const LinearHead head = [&] {
    const SampleRows<double> rows{samples.inputs, samples.values};
    if (task.notes.features != FeatureMap::none) {
      // Features are of one scale and many: single precision is enough, and twice as quick.
      const std::vector<float> narrow(samples.values.begin(), samples.values.end());
      return fit_logistic(SampleRows<float>{samples.inputs, narrow}, samples.labels, task.classes, task.fit,
                          progress);
    }
    network.standardisation = standardisation_of(rows);
    const std::vector<double> values = standardised(rows, *network.standardisation);
    const SampleRows<double> even{samples.inputs, values};
    if (!task.is_regression()) {
      return fit_logistic(even, samples.labels, task.classes, task.fit, progress);
    }
    return fit_least_squares(even, samples.targets, task.notes.answers.size(), task.fit.weight_penalty);
  }();
  network.head = head.map;
  if (!task.is_regression()) {
    network.activation = task.classes == 2 ? OutputActivation::sigmoid : OutputActivation::softmax;
  }
  FittedNetwork fitted{to_onnx(network), {}, head.loss, head.iterations};
  fitted.map = import_onnx(fitted.onnx, "the fitted network").map;
  return fitted;
}

void cross_validate(const HeadTask& task, const HeadSamples& samples, const TrainOptions& options,
                    const Session& session, nlohmann::ordered_json& report) {
  const std::size_t folds = *options.folds;
  const std::vector<std::size_t> fold_of = stratified_folds(strata(samples), folds, options.seed);
  std::vector<HeadQuality> qualities;
  for (std::size_t fold = 0; fold < folds; ++fold) {
    std::vector<bool> held(samples.count());
    for (std::size_t i = 0; i < held.size(); ++i) held[i] = fold_of[i] == fold;
    const std::string title = "fold " + std::to_string(fold + 1) + " of " + std::to_string(folds);
    const FittedNetwork fitted = fit(task, part_of(samples, held, false), title, session);
    qualities.push_back(quality_of(task, fitted.map, part_of(samples, held, true)));
  }
  for (std::size_t fold = 0; fold < folds; ++fold) {
    nlohmann::ordered_json line = {{"fold", fold + 1}};
    add_quality(line, "", task, qualities[fold]);
    report["folds"].push_back(line);
  }
  add_quality(report, "cross_validation_", task, mean_quality(qualities));
}

void validate(const HeadTask& task, const HeadSamples& samples, const TrainOptions& options,
              const Session& session, nlohmann::ordered_json& report) {
  const std::vector<bool> held = stratified_share(strata(samples), *options.validation_share, options.seed);
  const HeadSamples validation = part_of(samples, held, true);
  const FittedNetwork fitted = fit(task, part_of(samples, held, false), "validating", session);
  report["validation_samples"] = validation.count();
  add_quality(report, "validation_", task, quality_of(task, fitted.map, validation));
}

}  // namespace

void fit_and_report(const HeadTask& task, const HeadSamples& samples, const HeadSamples* test,
                    const TrainOptions& options, const Session& session, nlohmann::ordered_json& report) {
  if (options.folds) cross_validate(task, samples, options, session, report);
  if (options.validation_share.value_or(0) > 0) validate(task, samples, options, session, report);
  const FittedNetwork fitted = fit(task, samples, "fitting", session);
  write_file(options.output, fitted.onnx, FileMode::everyone);
  report["fitted_to"] = "all " + std::to_string(samples.count()) + " samples";
  if (!task.is_regression()) report["iterations"] = fitted.iterations;
  report["training_loss"] = fitted.loss;
  add_quality(report, "training_", task, quality_of(task, fitted.map, samples));
  if (test != nullptr) add_quality(report, "test_", task, quality_of(task, fitted.map, *test));
}

void check_head_options(const TrainOptions& options) {
  if (options.hidden && !options.hidden->empty()) {
    throw CLI::ValidationError("--hidden is for networks on pixels: a head on features or a table has none");
  }
  if (options.batch || options.learning_rate) {
    throw CLI::ValidationError("--batch and --learning-rate are for networks on pixels");
  }
}

}  // namespace opaline::tools
