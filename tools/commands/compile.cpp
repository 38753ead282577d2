#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "commands/command.h"
#include "commands/compile_report.h"
#include "commands/files.h"
#include "commands/inputs.h"
#include "commands/options.h"
#include "commands/report.h"
#include "opaline/base/error.h"
#include "opaline/base/file.h"
#include "opaline/model/quantise.h"

namespace opaline::tools {
namespace {

struct Options {
  std::filesystem::path network;
  std::filesystem::path output;
  std::filesystem::path calibrate_images;
  std::filesystem::path calibrate_labels;
  std::filesystem::path calibrate_table;
  std::vector<std::string> label_columns;
  std::vector<std::string> ignored_columns;
  std::filesystem::path html;
  std::optional<Interval> input_range;
  std::filesystem::path input_ranges;
  QuantisationOptions quantisation;
  bool json = false;
  bool reveal_partial_sums = false;
};

// Masks can be left out only by somebody who says what that means.
void check_masks(const Options& options) {
  if (options.quantisation.mask_bits == 0 && !options.reveal_partial_sums) {
    throw CLI::ValidationError(
        "--mask-bits 0 lets whoever decrypts a reply read sums of parts of the model's rows; say "
        "--reveal-partial-sums as well if that is meant");
  }
}

// What a table says of the network's inputs, besides their values.
struct CalibrationTable {
  CalibrationSet set;
  std::vector<std::string> columns;
  std::vector<std::string> answers;
};

// Columns are inputs unless they are answers or ignored; a network with names of its own knows which it
// wants.
std::vector<std::size_t> positions_of_inputs(const Table& table, const Options& options, ClientSpec known) {
  for (const std::string& column : options.label_columns) {
    static_cast<void>(table.position(column));
    known.answers.push_back(column);
  }
  return input_positions(table, options.calibrate_table.string(), known, options.ignored_columns);
}

CalibrationTable read_calibration_table(const Options& options, const ImportedNetwork& network) {
  ClientSpec known;  // what is known of the model so far
  known.inputs = network.map.inputs;
  known.outputs = network.map.outputs;
  known.activation = network.activation;
  known.columns = network.notes.columns;
  known.answers = network.notes.answers;
  const Table table = Table::read(options.calibrate_table, known.columns);
  const std::vector<std::size_t> positions = positions_of_inputs(table, options, known);
  CalibrationTable result;
  result.set.count = table.rows();
  result.set.inputs = positions.size();
  result.set.values = table.numbers(positions);
  if (!table.columns().empty()) {
    for (const std::size_t position : positions) result.columns.push_back(table.columns()[position]);
  }
  result.answers = options.label_columns;
  return result;
}

// One range an input, from a table with the columns lowest and highest (or two columns without names): row by
// row, or by the names of a third, column.
std::vector<InputRange> read_ranges(const std::filesystem::path& path,
                                    const std::vector<std::string>& columns) {
  const Table table = Table::read(path);
  const bool named = !table.columns().empty();
  if (!named && table.width() != 2) {
    throw Error(ErrorKind::invalid_argument,
                path.string() + ": give it the columns lowest and highest, and column for their names");
  }
  const std::vector<std::size_t> ends = {named ? table.position("lowest") : 0,
                                         named ? table.position("highest") : 1};
  const std::vector<double> numbers = table.numbers(ends);
  std::vector<InputRange> rows;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    rows.push_back({numbers[2 * i], numbers[2 * i + 1]});
    if (rows.back().lowest < rows.back().highest) continue;
    const std::string place =
        table.lines().empty() ? "row " + std::to_string(i) : "line " + std::to_string(table.lines()[i]);
    throw Error(ErrorKind::invalid_argument,
                path.string() + ": " + place + ": a range has to end above where it begins");
  }
  if (!named || table.width() == 2) return rows;
  if (columns.empty()) {
    throw Error(
        ErrorKind::invalid_argument,
        path.string() + ": the network's inputs have no names; leave the names out, or give --calibrate-csv");
  }
  const std::vector<std::string> names = table.texts(table.position("column"));
  std::vector<InputRange> ranges;
  for (const std::string& column : columns) {
    const auto found = std::find(names.begin(), names.end(), column);
    if (found == names.end()) {
      throw Error(ErrorKind::invalid_argument,
                  path.string() + ": has no range for the column \"" + column + "\"");
    }
    ranges.push_back(rows[static_cast<std::size_t>(found - names.begin())]);
  }
  return ranges;
}

// The classes or values that the calibration table or the IDX labels say are true.
void add_true_answers(const Options& options, const ClientSpec& spec, CalibrationSet& set) {
  std::filesystem::path path = options.calibrate_labels;
  if (path.empty() && !options.calibrate_table.empty()) {
    // A table that holds what the network was trained to predict is as good as one that says so.
    const std::vector<std::string> columns = Table::read(options.calibrate_table, spec.columns).columns();
    const auto there = [&](const std::string& name) {
      return std::find(columns.begin(), columns.end(), name) != columns.end();
    };
    const bool known = !spec.answers.empty() && std::all_of(spec.answers.begin(), spec.answers.end(), there);
    if (known) path = options.calibrate_table;
  }
  if (path.empty()) return;
  TrueAnswers truth = read_true_answers(path, options.label_columns, std::nullopt, set.count, spec);
  set.classes = std::move(truth.classes);
  set.targets = std::move(truth.values);
}

QuantisedModel quantise_as_asked(const Options& options, const ImportedNetwork& network) {
  QuantisationOptions quantisation = options.quantisation;
  quantisation.name = options.output.filename().string();
  if (options.input_range)
    quantisation.ranges = {{options.input_range->lowest, options.input_range->highest}};
  CalibrationSet calibration;
  if (!options.calibrate_images.empty()) {
    const FeatureMap features = quantisation.features.value_or(network.notes.features);
    calibration =
        calibration_of(read_idx_images(options.calibrate_images), {}, features, quantisation.pixels);
  } else if (!options.calibrate_table.empty()) {
    CalibrationTable table = read_calibration_table(options, network);
    calibration = std::move(table.set);
    quantisation.columns = std::move(table.columns);
    quantisation.answers = std::move(table.answers);
    if (quantisation.ranges.empty() && options.input_ranges.empty()) {
      quantisation.ranges = widened_ranges(calibration);
      if (!quantisation.beyond) quantisation.beyond = Beyond::clipped;
    }
  }
  if (!options.input_ranges.empty()) {
    quantisation.ranges = read_ranges(
        options.input_ranges, quantisation.columns.empty() ? network.notes.columns : quantisation.columns);
  }
  const auto named = [&](const auto& action) {
    try {
      return action();
    } catch (const Error& error) {
      throw Error(error.kind(), options.network.string() + ": " + error.what());
    }
  };
  const ClientSpec spec = named([&] { return describe_model(network, quantisation); });
  if (calibration.count > 0) add_true_answers(options, spec, calibration);
  return named([&] { return quantise(network, quantisation, calibration); });
}

void warn_of_disagreement(const QuantisationOptions& asked, const QuantisationReport& report) {
  if (report.calibration_inputs == 0 || report.agreement >= asked.agreement) return;
  std::cerr << "opaline: warning: the integers agree with the float network to " << report.agreement
            << " on the calibration data, less than the " << asked.agreement
            << " of --agreement; allow more bits (--input-bits, --weight-bits, --slot-bits)"
            << (report.quantities.size() > 1 ? " or --weight-scales per-output" : "") << '\n';
}

void run(const Options& options, const Session& session) {
  check_masks(options);
  const ImportedNetwork network = read_network(options.network);
  const QuantisedModel compiled = quantise_as_asked(options, network);

  const std::filesystem::path server_path = with_ending(options.output, ".server");
  const std::filesystem::path client_path = with_ending(options.output, ".client");
  nlohmann::ordered_json report = {{"server", server_path.string()}, {"client", client_path.string()}};
  report.update(compile_report(network, compiled, session));

  const Bytes server = compiled.model.serialise();
  const Bytes client = compiled.model.client_spec().serialise();
  std::vector<NewFile> files = {{server_path, server, FileMode::owner_only},
                                {client_path, client, FileMode::everyone}};
  std::string page;
  if (!options.html.empty()) {
    page = html_report(report, compiled);
    files.push_back({options.html, as_bytes(page), FileMode::owner_only});
  }
  write_together(files);
  print_report(report, options.json ? ReportFormat::json : ReportFormat::text);
  warn_of_disagreement(options.quantisation, compiled.report);
}

}  // namespace

Action define_compile(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  QuantisationOptions& quantisation = options->quantisation;
  command.add_option("network", options->network, "The network, ONNX, its activations the identity")
      ->required()
      ->type_name("FILE");
  command
      .add_option("--output", options->output,
                  "Writes NAME.server (private weights, mode 0600) and NAME.client (what clients need)")
      ->required()
      ->type_name("NAME");
  command
      .add_option("--input-bits", quantisation.input_bits,
                  "Width of an input; chosen on calibration data, else 8")
      ->check(CLI::Range(1, 16));
  command
      .add_option("--weight-bits", quantisation.weight_bits,
                  "Width of a weight with its sign; chosen on calibration data, else 8")
      ->check(CLI::Range(2, 24));
  command
      .add_option(
          "--slot-bits", quantisation.slot_bits,
          "Scale weights down until answers fit slots of so many bits: more images share a ciphertext")
      ->check(CLI::Range(2, 63));
  command
      .add_option_function<std::string>(
          "--input-range",
          [options](const std::string& text) { options->input_range = parse_interval(text); },
          "Range of every input after scaling; default: that of the calibration table or of the training "
          "data, "
          "else that of pixels 0 to 255")
      ->type_name("LOW:HIGH");
  command
      .add_option("--input-ranges", options->input_ranges,
                  "Range of each input: a table with the columns lowest and highest, in the order of the "
                  "inputs or by "
                  "the names in a third, column")
      ->type_name("FILE");
  command
      .add_option_function<std::string>(
          "--features",
          [options](const std::string& name) { options->quantisation.features = feature_map_of(name); },
          "Public features that clients take of an image first; default: what the network was trained on")
      ->check(CLI::IsMember({"none", "gradients", "gradients-cosine"}))
      ->type_name("NAME");
  command
      .add_option_function<std::string>(
          "--weight-scales",
          [options](const std::string& name) {
            options->quantisation.weight_scales =
                name == "global" ? WeightScales::global : WeightScales::per_output;
          },
          "global: one scale for all weights; per-output: one for each output's, for outputs of different "
          "sizes")
      ->check(CLI::IsMember({"global", "per-output"}))
      ->type_name("NAME");
  command
      .add_option_function<std::string>(
          "--beyond",
          [options](const std::string& name) {
            options->quantisation.beyond = name == "clip" ? Beyond::clipped : Beyond::refused;
          },
          "What clients do with numbers beyond their range: refuse them, or clip them and say so; default: "
          "clip "
          "where ranges come from data, else refuse")
      ->check(CLI::IsMember({"clip", "refuse"}))
      ->type_name("NAME");
  command
      .add_option_function<std::string>(
          "--task",
          [options](const std::string& name) {
            options->quantisation.task = name == "regression" ? Task::regression : Task::classification;
          },
          "Whether outputs are scores of classes or quantities; default: as the network says")
      ->check(CLI::IsMember({"classification", "regression"}))
      ->type_name("NAME");
  command.add_option("--pixel-scale", quantisation.pixels.scale, "An input is (pixel * scale - mean) / std")
      ->check(CLI::PositiveNumber);
  command.add_option("--mean", quantisation.pixels.mean, "See --pixel-scale")->check(CLI::Number);
  command.add_option("--std", quantisation.pixels.deviation, "See --pixel-scale")->check(CLI::PositiveNumber);
  command
      .add_option_function<std::string>(
          "--labels",
          [options](const std::string& text) { options->quantisation.labels = parse_labels(text); },
          "Names of the classes; default: 0,1,...")
      ->type_name("NAME,...");
  CLI::Option* images = command
                            .add_option("--calibrate-images", options->calibrate_images,
                                        "IDX images on which the widths are chosen and checked")
                            ->type_name("FILE");
  CLI::Option* table =
      command
          .add_option("--calibrate-csv", options->calibrate_table,
                      "Table, CSV or .npy, that ranges come from and on which widths are chosen and checked")
          ->type_name("FILE")
          ->excludes(images);
  command
      .add_option("--calibrate-labels", options->calibrate_labels,
                  "Their classes, IDX labels or a table, to report accuracies")
      ->type_name("FILE");
  command
      .add_option_function<std::string>(
          "--label-column",
          [options](const std::string& text) { options->label_columns = parse_labels(text); },
          "The table's columns that the network predicts; default: what it was trained to predict")
      ->type_name("NAME,...");
  command
      .add_option_function<std::string>(
          "--ignore-columns",
          [options](const std::string& text) { options->ignored_columns = parse_labels(text); },
          "The table's columns that are none of the network's")
      ->needs(table)
      ->type_name("NAME,...");
  command
      .add_option("--report", options->html,
                  "Writes a page for people too: accuracy, flips, confusion matrix, margins, layouts")
      ->type_name("FILE.html");
  command
      .add_option(
          "--agreement", quantisation.agreement,
          "Share of calibration data that chosen widths must put in the float network's class (0.995); of "
          "quantities 1 - rms difference / standard deviation. A warning if they do not")
      ->check(CLI::Range(0.0, 1.0));
  command
      .add_option("--mask-bits", quantisation.mask_bits,
                  "How well replies hide sums of parts of the model's rows: up to a chance of 2^-N")
      ->check(CLI::Range(0, 128))
      ->capture_default_str();
  command.add_flag("--drop-unused-inputs", quantisation.drop_unused,
                   "Clients need not send inputs without any weight, such as pixels of an empty border; "
                   "everybody who reads NAME.client learns which");
  command.add_flag("--reveal-partial-sums", options->reveal_partial_sums,
                   "Allow --mask-bits 0: clients can read such sums, and so the model with fewer questions");
  command.add_flag("--json", options->json, "Print the report as one JSON object");
  add_examples(command,
               {"opaline compile net.onnx --output digits",
                "opaline compile net.onnx --output digits --calibrate-images "
                "t10k-images-idx3-ubyte.gz --calibrate-labels t10k-labels-idx1-ubyte.gz --report digits.html",
                "opaline compile wine.onnx --output wine --calibrate-csv wine.csv --label-column class"});
  return [options](const Session& session) {
    if (!options->calibrate_labels.empty() && options->calibrate_images.empty() &&
        options->calibrate_table.empty()) {
      throw CLI::ValidationError("--calibrate-labels needs --calibrate-images or --calibrate-csv");
    }
    if (options->input_range && !options->input_ranges.empty()) {
      throw CLI::ValidationError("--input-range and --input-ranges exclude each other");
    }
    run(*options, session);
  };
}

}  // namespace opaline::tools
