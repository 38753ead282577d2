#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "commands/head_fitting.h"
#include "commands/inputs.h"
#include "commands/report.h"
#include "opaline/base/error.h"
#include "opaline/base/parallel.h"
#include "opaline/model/dataset.h"

namespace opaline::tools {
namespace {

namespace fs = std::filesystem;

HeadSamples read_features(const fs::path& image_file, const fs::path& label_file, FeatureMap map,
                          const Session& session) {
  const ImageSet images = read_idx_images(image_file);
  if (images.count == 0 || images.rows != kFeatureImageSide || images.columns != kFeatureImageSide) {
    throw Error(ErrorKind::invalid_argument,
                image_file.string() + ": features are taken of images of 28 x 28 pixels, not of " +
                    std::to_string(images.count) + " of " + std::to_string(images.rows) + " x " +
                    std::to_string(images.columns));
  }
  const std::vector<std::uint8_t> labels = read_labels(label_file, std::nullopt, images.count);
  HeadSamples samples;
  samples.inputs = feature_count(map);
  samples.values.resize(images.count * samples.inputs);
  samples.labels.assign(labels.begin(), labels.end());
  ProgressBar bar("features", images.count, session.progress);
  constexpr std::size_t kBlock = 1000;  // images between two looks at the bar
  for (std::size_t first = 0; first < images.count; first += kBlock) {
    const std::size_t count = std::min(kBlock, images.count - first);
    parallel_for(count, [&](std::size_t i) {
      const std::vector<double> features = features_of(map, images[first + i]);
      std::copy(features.begin(), features.end(),
                samples.values.begin() + static_cast<std::ptrdiff_t>((first + i) * samples.inputs));
    });
    bar.update(first + count);
  }
  return samples;
}

}  // namespace

void train_feature_head(const TrainOptions& options, const Session& session) {
  check_head_options(options);
  const HeadSamples samples = read_features(options.images, options.labels, options.features, session);
  std::optional<HeadSamples> test;
  if (!options.test_images.empty()) {
    test = read_features(options.test_images, options.test_labels, options.features, session);
  }
  HeadTask task;
  task.notes.features = options.features;
  task.classes = std::size_t{*std::max_element(samples.labels.begin(), samples.labels.end())} + 1;
  task.fit.weight_penalty = options.weight_penalty.value_or(task.fit.weight_penalty);
  task.fit.most_iterations = options.epochs.value_or(task.fit.most_iterations);
  if (task.classes < 2) {
    throw Error(ErrorKind::invalid_argument,
                options.labels.string() + ": all labels are 0; there must be two classes");
  }

  nlohmann::ordered_json report = {{"network", options.output.string()},
                                   {"features", name_of(options.features)},
                                   {"inputs", samples.inputs},
                                   {"classes", task.classes},
                                   {"images", samples.count()}};
  fit_and_report(task, samples, test ? &*test : nullptr, options, session, report);
  print_report(report, options.json ? ReportFormat::json : ReportFormat::text);
}

}  // namespace opaline::tools
