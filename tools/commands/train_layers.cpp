#include <CLI/CLI.hpp>
#include <algorithm>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>

#include "commands/inputs.h"
#include "commands/report.h"
#include "commands/train_options.h"
#include "opaline/base/error.h"
#include "opaline/base/file.h"
#include "opaline/model/onnx_network.h"
#include "opaline/model/trainer.h"

namespace opaline::tools {
namespace {

// Draws the bar, which can only be made once the number of images is known.
class TrainingBar {
 public:
  explicit TrainingBar(ProgressBar::Output output) : output_(output) {}

  void operator()(const TrainingProgress& progress) {
    if (!bar_) bar_.emplace("training", progress.images_total, output_);
    std::ostringstream note;
    note << std::fixed << std::setprecision(4) << "epoch " << progress.epoch + 1 << ", loss "
         << progress.loss;
    if (progress.validation_accuracy > 0) {
      note << std::setprecision(2) << ", validation " << 100 * progress.validation_accuracy << " %";
    }
    bar_->note(note.str());
    bar_->update(progress.images_done);
  }

 private:
  ProgressBar::Output output_;
  std::optional<ProgressBar> bar_;
};

// The share of images whose largest output is that of their label.
double accuracy(const AffineMap& network, const ImageSet& images, std::span<const std::uint8_t> labels) {
  const PixelScaling scaling;
  std::size_t right = 0;
  for (std::size_t i = 0; i < images.count; ++i) {
    std::vector<double> input;
    input.reserve(images.image_size());
    for (const std::uint8_t pixel : images[i]) input.push_back(scaling(pixel));
    const std::vector<double> output = network(input);
    if (std::max_element(output.begin(), output.end()) - output.begin() == labels[i]) ++right;
  }
  return static_cast<double>(right) / static_cast<double>(images.count);
}

struct TestSet {
  ImageSet images;
  std::vector<std::uint8_t> labels;
};

std::optional<TestSet> read_test_set(const TrainOptions& options, std::size_t image_size) {
  if (options.test_images.empty()) return std::nullopt;
  TestSet set{read_idx_images(options.test_images), {}};
  if (set.images.count == 0 || set.images.image_size() != image_size) {
    throw Error(ErrorKind::invalid_argument,
                options.test_images.string() + ": has no images of the training images' size");
  }
  set.labels = read_labels(options.test_labels, std::nullopt, set.images.count);
  return set;
}

TrainingOptions training_options(const TrainOptions& options) {
  TrainingOptions training;
  training.hidden = options.hidden.value_or(training.hidden);
  training.epochs = options.epochs.value_or(training.epochs);
  training.batch = options.batch.value_or(training.batch);
  training.learning_rate = options.learning_rate.value_or(training.learning_rate);
  training.validation_share = options.validation_share.value_or(training.validation_share);
  training.weight_penalty = options.weight_penalty.value_or(training.weight_penalty);
  training.seed = options.seed;
  return training;
}

}  // namespace

void train_layers(const TrainOptions& options, const Session& session) {
  if (options.folds) throw CLI::ValidationError("--folds is for --features and --csv");
  const TrainingOptions training = training_options(options);
  const ImageSet images = read_idx_images(options.images);
  const std::vector<std::uint8_t> labels = read_idx_labels(options.labels);
  const std::optional<TestSet> test = read_test_set(options, images.image_size());

  const TrainedNetwork network = [&] {
    TrainingBar bar(session.progress);
    return train(images, labels, training, std::ref(bar));
  }();
  const Bytes onnx = to_onnx(network);
  write_file(options.output, onnx, FileMode::everyone);

  nlohmann::ordered_json report = {{"network", options.output.string()},
                                   {"layers", nlohmann::ordered_json::array()},
                                   {"images", images.count},
                                   {"training_loss", network.training_loss}};
  report["layers"].push_back(images.image_size());
  for (const DenseLayer& layer : network.layers) report["layers"].push_back(layer.outputs);
  if (training.validation_share > 0) report["validation_accuracy"] = network.validation_accuracy;
  if (test) {
    const AffineMap map = import_onnx(onnx, options.output.string()).map;
    report["test_accuracy"] = accuracy(map, test->images, test->labels);
  }
  print_report(report, options.json ? ReportFormat::json : ReportFormat::text);
}

}  // namespace opaline::tools
