#include <CLI/CLI.hpp>
#include <filesystem>
#include <iomanip>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>

#include "commands/command.h"
#include "commands/inputs.h"
#include "commands/options.h"
#include "commands/report.h"
#include "opaline/base/error.h"
#include "opaline/base/file.h"
#include "opaline/model/onnx_network.h"
#include "opaline/model/trainer.h"

namespace opaline::tools {
namespace {

struct Options {
  std::filesystem::path images;
  std::filesystem::path labels;
  std::filesystem::path test_images;
  std::filesystem::path test_labels;
  std::filesystem::path output;
  std::string hidden = "128,64";
  std::string features = "none";
  TrainingOptions training;
  bool json = false;
};

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

std::optional<TestSet> read_test_set(const Options& options, std::size_t image_size) {
  if (options.test_images.empty()) return std::nullopt;
  TestSet set{read_idx_images(options.test_images), {}};
  if (set.images.count == 0 || set.images.image_size() != image_size) {
    throw Error(ErrorKind::invalid_argument,
                options.test_images.string() + ": has no images of the training images' size");
  }
  set.labels = read_labels(options.test_labels, std::nullopt, set.images.count);
  return set;
}

void run(const Options& options, const Session& session) {
  const ImageSet images = read_idx_images(options.images);
  const std::vector<std::uint8_t> labels = read_idx_labels(options.labels);
  const std::optional<TestSet> test = read_test_set(options, images.image_size());

  const TrainedNetwork network = [&] {
    TrainingBar bar(session.progress);
    return train(images, labels, options.training, std::ref(bar));
  }();
  const Bytes onnx = to_onnx(network);
  write_file(options.output, onnx, FileMode::everyone);

  nlohmann::ordered_json report = {{"network", options.output.string()},
                                   {"layers", nlohmann::ordered_json::array()},
                                   {"images", images.count},
                                   {"training_loss", network.training_loss}};
  report["layers"].push_back(images.image_size());
  for (const DenseLayer& layer : network.layers) report["layers"].push_back(layer.outputs);
  if (options.training.validation_share > 0) report["validation_accuracy"] = network.validation_accuracy;
  if (test) {
    const AffineMap map = import_onnx(onnx, options.output.string()).map;
    report["test_accuracy"] = accuracy(map, test->images, test->labels);
  }
  print_report(report, options.json ? ReportFormat::json : ReportFormat::text);
}

}  // namespace

Action define_train(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  TrainingOptions& training = options->training;
  command.add_option("--images", options->images, "Training images, IDX, plain or gzip")
      ->required()
      ->type_name("FILE");
  command.add_option("--labels", options->labels, "Their classes, IDX, plain or gzip")
      ->required()
      ->type_name("FILE");
  command.add_option("--output", options->output, "The network to write, ONNX")
      ->required()
      ->type_name("FILE");
  command.add_option("--hidden", options->hidden, "Sizes of the hidden layers, or none")
      ->each([options](const std::string& text) { options->training.hidden = parse_sizes(text); })
      ->type_name("SIZE,...");
  command.add_option("--features", options->features, "Public features taken of an image first")
      ->check(CLI::IsMember({"none"}));
  command.add_option("--epochs", training.epochs, "Passes over the images")->check(CLI::Range(1, 100000));
  command.add_option("--batch", training.batch, "Images a step")->check(CLI::Range(1, 1 << 20));
  command.add_option("--learning-rate", training.learning_rate, "Step of the optimiser (Adam)")
      ->check(CLI::PositiveNumber);
  command.add_option("--weight-penalty", training.weight_penalty, "L2 penalty on weights")
      ->check(CLI::NonNegativeNumber);
  command
      .add_option("--validation", training.validation_share,
                  "Share of the images held back to choose the best epoch")
      ->check(CLI::Range(0.0, 0.9));
  command.add_option("--seed", training.seed,
                     "Decides what is held back, the order and the starting weights");
  CLI::Option* test_images =
      command.add_option("--test-images", options->test_images, "Images to report the accuracy on")
          ->type_name("FILE");
  CLI::Option* test_labels =
      command.add_option("--test-labels", options->test_labels, "Their classes")->type_name("FILE");
  test_images->needs(test_labels);
  test_labels->needs(test_images);
  command.add_flag("--json", options->json, "Print the report as one JSON object");
  add_examples(command,
               {"opaline train --images train-images-idx3-ubyte.gz --labels train-labels-idx1-ubyte.gz "
                "--output net.onnx",
                "opaline train --images I --labels L --hidden none --epochs 5 --output linear.onnx"});
  return [options](const Session& session) { run(*options, session); };
}

}  // namespace opaline::tools
