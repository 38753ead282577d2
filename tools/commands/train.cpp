#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "commands/command.h"
#include "commands/options.h"
#include "commands/train_options.h"

namespace opaline::tools {
namespace {

void run(const TrainOptions& options, const Session& session) {
  if (!options.table.empty()) {
    if (!options.test_images.empty()) throw CLI::ValidationError("--csv is tested on --test-csv");
    return train_table_head(options, session);
  }
  if (options.labels.empty()) throw CLI::ValidationError("--images needs --labels");
  if (!options.label_column.empty() || !options.target_columns.empty() || !options.ignored_columns.empty() ||
      !options.test_table.empty()) {
    throw CLI::ValidationError(
        "--label-column, --target-column, --ignore-columns and --test-csv go with --csv");
  }
  if (options.test_images.empty() != options.test_labels.empty()) {
    throw CLI::ValidationError("--test-images and --test-labels need each other");
  }
  if (options.features != FeatureMap::none) return train_feature_head(options, session);
  train_layers(options, session);
}

void define_data(CLI::App& command, TrainOptions& options) {
  CLI::Option_group* data = command.add_option_group("data", "What to train on");
  data->add_option("--images", options.images, "Training images, IDX, plain or gzip")->type_name("FILE");
  data->add_option("--csv", options.table,
                   "Training table, CSV with a header or .npy; all columns are numbers")
      ->type_name("FILE");
  data->require_option(1);
  command
      .add_option("--labels", options.labels,
                  "Classes of the images, IDX, plain or gzip; or of a table's rows, IDX, .npy or CSV of one "
                  "column")
      ->type_name("FILE");
  command
      .add_option("--label-column", options.label_column,
                  "Column of the table that names the class of each row")
      ->type_name("NAME");
  command
      .add_option_function<std::string>(
          "--target-column",
          [&options](const std::string& text) { options.target_columns = parse_labels(text); },
          "Columns of the table to predict as quantities")
      ->type_name("NAME,...");
  command
      .add_option_function<std::string>(
          "--ignore-columns",
          [&options](const std::string& text) { options.ignored_columns = parse_labels(text); },
          "Columns of the table that are no inputs")
      ->type_name("NAME,...");
  command.add_option("--test-images", options.test_images, "Images to report the accuracy on")
      ->type_name("FILE");
  command.add_option("--test-csv", options.test_table, "Table to report the accuracy or error on")
      ->type_name("FILE");
  command.add_option("--test-labels", options.test_labels, "Their classes, as --labels")->type_name("FILE");
}

void define_fit(CLI::App& command, TrainOptions& options) {
  command
      .add_option_function<std::string>(
          "--hidden", [&options](const std::string& text) { options.hidden = parse_sizes(text); },
          "Sizes of the hidden layers of a network on pixels, or none [128,64]")
      ->type_name("SIZE,...");
  command
      .add_option_function<std::string>(
          "--features",
          [&options](const std::string& name) { options.features = feature_map_of(name).value(); },
          "Public features that clients take of an image of 28 x 28 pixels first")
      ->check(CLI::IsMember({"none", "gradients", "gradients-cosine"}));
  command
      .add_option("--epochs", options.epochs,
                  "Passes over the images [12]; on features or a table, most iterations [1000]")
      ->check(CLI::Range(1, 100000));
  command.add_option("--batch", options.batch, "Images a step [128]")->check(CLI::Range(1, 1 << 20));
  command.add_option("--learning-rate", options.learning_rate, "Step of the optimiser (Adam) [0.001]")
      ->check(CLI::PositiveNumber);
  command
      .add_option("--weight-penalty", options.weight_penalty,
                  "L2 penalty on weights [0.0001; 0.00003 on features; 0.003 for classes and 0.000001 for "
                  "quantities of a "
                  "table, whose columns are standardised]")
      ->check(CLI::NonNegativeNumber);
  command
      .add_option("--validation", options.validation_share,
                  "Share held back: of images, to choose the best epoch [0.1]; on features or a table, to "
                  "report how good the fit is, before all samples are fitted [0]")
      ->check(CLI::Range(0.0, 0.9));
  command
      .add_option(
          "--folds", options.folds,
          "On features or a table, report a cross-validation of so many folds, before all samples are "
          "fitted")
      ->check(CLI::Range(2, 1000));
  command.add_option("--seed", options.seed, "Decides what is held back, the order and the starting weights");
}

}  // namespace

Action define_train(CLI::App& command) {
  const auto options = std::make_shared<TrainOptions>();
  define_data(command, *options);
  define_fit(command, *options);
  command.add_option("--output", options->output, "The network to write, ONNX")
      ->required()
      ->type_name("FILE");
  command.add_flag("--json", options->json, "Print the report as one JSON object");
  add_examples(
      command,
      {"opaline train --images train-images-idx3-ubyte.gz --labels train-labels-idx1-ubyte.gz "
       "--output net.onnx",
       "opaline train --images I --labels L --features gradients --output digits.onnx",
       "opaline train --csv wine.csv --label-column class --folds 5 --output wine.onnx",
       "opaline train --csv houses.csv --target-column price --ignore-columns id --output houses.onnx"});
  return [options](const Session& session) { run(*options, session); };
}

}  // namespace opaline::tools
