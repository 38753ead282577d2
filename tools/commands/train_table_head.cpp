#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "commands/class_names.h"
#include "commands/head_fitting.h"
#include "commands/inputs.h"
#include "commands/report.h"
#include "opaline/base/error.h"
#include "opaline/base/file.h"
#include "opaline/model/data/table.h"

namespace opaline::tools {
namespace {

namespace fs = std::filesystem;

// Of several the best in cross-validations of two tables, breast cancer and wine.
constexpr double kClassPenalty = 3e-3;
// Only against columns that say the same: quantities are not to be shrunk.
constexpr double kQuantityPenalty = 1e-6;

[[noreturn]] void refuse(const fs::path& path, const std::string& why) {
  throw Error(ErrorKind::invalid_argument, path.string() + ": " + why);
}

void check_options(const TrainOptions& options) {
  check_head_options(options);
  if (options.features != FeatureMap::none) throw CLI::ValidationError("--features are taken of --images");
  const int answers = (options.label_column.empty() ? 0 : 1) + (options.target_columns.empty() ? 0 : 1) +
                      (options.labels.empty() ? 0 : 1);
  if (answers != 1) {
    throw CLI::ValidationError(
        "--csv needs one of --label-column (classes), --target-column (quantities) and --labels (a file)");
  }
  if (!options.test_labels.empty() && options.labels.empty()) {
    throw CLI::ValidationError(
        "--test-labels goes with --labels: the test table has its answers in a column");
  }
  if (!options.test_table.empty() && options.test_labels.empty() != options.labels.empty()) {
    throw CLI::ValidationError("--test-csv needs --test-labels, as --csv has --labels");
  }
}

// The columns the network is to predict.
std::vector<std::string> answer_columns(const TrainOptions& options) {
  if (!options.label_column.empty()) return {options.label_column};
  return options.target_columns;
}

// All columns but answers and those to be ignored.
std::vector<std::size_t> inputs_of(const Table& table, const TrainOptions& options) {
  std::vector<bool> is_input(table.width(), true);
  if (table.columns().empty() && !options.ignored_columns.empty()) {
    refuse(options.table, "its columns have no names, so none can be ignored");
  }
  for (const std::string& name : options.ignored_columns) is_input[table.position(name)] = false;
  for (const std::string& name : answer_columns(options)) {
    const std::size_t position = table.position(name);
    if (!is_input[position])
      refuse(options.table, "\"" + name + "\" is to be ignored and predicted, or predicted twice");
    is_input[position] = false;
  }
  std::vector<std::size_t> positions;
  for (std::size_t i = 0; i < table.width(); ++i) {
    if (is_input[i]) positions.push_back(i);
  }
  if (positions.empty()) refuse(options.table, "has no columns left to be inputs");
  return positions;
}

bool is_idx(const fs::path& path) {
  FileReader file(path);
  std::array<std::uint8_t, 3> start{};
  if (file.left() < start.size()) return false;
  file.read(start);
  return (start[0] == 0x1f && start[1] == 0x8b) || (start[0] == 0 && start[1] == 0 && start[2] == 8);
}

// A label for each of `count` rows.
std::vector<std::string> label_texts(const Table& table, const TrainOptions& options) {
  if (!options.label_column.empty()) return table.texts(table.position(options.label_column));
  std::vector<std::string> texts;
  if (is_idx(options.labels)) {
    for (const std::uint8_t label : read_idx_labels(options.labels)) texts.push_back(std::to_string(label));
  } else {
    const Table labels = Table::read(options.labels);
    if (labels.width() != 1) refuse(options.labels, "labels are one column");
    texts = labels.texts(0);
  }
  if (texts.size() != table.rows()) {
    refuse(options.labels,
           "has " + std::to_string(texts.size()) + " labels for " + std::to_string(table.rows()) + " rows");
  }
  return texts;
}

std::vector<InputRange> ranges_of(const HeadSamples& samples) {
  std::vector<InputRange> ranges;
  for (std::size_t i = 0; i < samples.inputs; ++i) ranges.push_back({samples.values[i], samples.values[i]});
  for (std::size_t k = 0; k < samples.values.size(); ++k) {
    InputRange& range = ranges[k % samples.inputs];
    range = {std::min(range.lowest, samples.values[k]), std::max(range.highest, samples.values[k])};
  }
  return ranges;
}

struct Training {
  HeadTask task;
  HeadSamples samples;
};

Training read_training(const TrainOptions& options) {
  const Table table = Table::read(options.table);
  const std::vector<std::size_t> inputs = inputs_of(table, options);
  Training training;
  HeadSamples& samples = training.samples;
  samples.inputs = inputs.size();
  samples.values = table.numbers(inputs);
  NetworkNotes& notes = training.task.notes;
  if (!table.columns().empty()) {
    for (const std::size_t position : inputs) notes.columns.push_back(table.columns()[position]);
  }
  notes.answers = answer_columns(options);
  notes.ranges = ranges_of(samples);
  if (options.target_columns.empty()) {
    const std::vector<std::string> texts = label_texts(table, options);
    notes.labels = class_names(texts, (options.labels.empty() ? options.table : options.labels).string());
    samples.labels = classes_of(texts, notes.labels);
    training.task.classes = notes.labels.size();
  } else {
    std::vector<std::size_t> targets;
    for (const std::string& name : options.target_columns) targets.push_back(table.position(name));
    samples.targets = table.numbers(targets);
    notes.regression = true;
  }
  training.task.fit.weight_penalty =
      options.weight_penalty.value_or(training.task.is_regression() ? kQuantityPenalty : kClassPenalty);
  training.task.fit.most_iterations = options.epochs.value_or(training.task.fit.most_iterations);
  return training;
}

// Read as a client's table is, by the names of its columns.
HeadSamples read_test(const TrainOptions& options, const HeadTask& task, std::size_t inputs) {
  ClientSpec spec;
  spec.inputs = inputs;
  spec.outputs = task.is_regression() ? task.notes.answers.size() : task.classes;
  spec.columns = task.notes.columns;
  spec.answers = task.notes.answers;
  spec.labels = task.notes.labels;
  spec.task = task.is_regression() ? Task::regression : Task::classification;
  const Table table = Table::read(options.test_table, spec.columns);
  HeadSamples test;
  test.inputs = inputs;
  test.values =
      table.numbers(input_positions(table, options.test_table.string(), spec, options.ignored_columns));
  const TrueAnswers answers =
      read_true_answers(options.test_labels.empty() ? options.test_table : options.test_labels,
                        options.test_labels.empty() ? spec.answers : std::vector<std::string>{}, std::nullopt,
                        table.rows(), spec);
  test.labels = answers.classes;
  test.targets = answers.values;
  return test;
}

// Inputs that never vary, by name or number.
std::vector<std::string> constant_columns(const NetworkNotes& notes) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < notes.ranges.size(); ++i) {
    if (notes.ranges[i].lowest < notes.ranges[i].highest) continue;
    names.push_back(notes.columns.empty() ? std::to_string(i) : notes.columns[i]);
  }
  return names;
}

}  // namespace

void train_table_head(const TrainOptions& options, const Session& session) {
  check_options(options);
  const auto [task, samples] = read_training(options);
  std::optional<HeadSamples> test;
  if (!options.test_table.empty()) test = read_test(options, task, samples.inputs);

  nlohmann::ordered_json report = {
      {"network", options.output.string()}, {"inputs", samples.inputs}, {"rows", samples.count()}};
  if (task.is_regression()) {
    report["targets"] = task.notes.answers;
  } else {
    report["classes"] = task.notes.labels;
  }
  if (const auto constant = constant_columns(task.notes); !constant.empty()) {
    report["constant_columns_without_weight"] = constant;
  }
  fit_and_report(task, samples, test ? &*test : nullptr, options, session, report);
  print_report(report, options.json ? ReportFormat::json : ReportFormat::text);
}

}  // namespace opaline::tools
