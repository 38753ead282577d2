#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "commands/command.h"
#include "commands/files.h"
#include "commands/images.h"
#include "commands/options.h"
#include "commands/report.h"
#include "opaline/base/error.h"
#include "opaline/inference/spec_certificate.h"
#include "opaline/model/quantise.h"
#include "opaline/packing/slot_layout.h"

namespace opaline::tools {
namespace {

// The key sizes that the report shows the costs of.
constexpr std::size_t kReportedKeyBits[] = {2048, 3072};

struct Options {
  std::filesystem::path network;
  std::filesystem::path output;
  std::filesystem::path calibrate_images;
  std::filesystem::path calibrate_labels;
  std::string features = "none";
  QuantisationOptions quantisation;
  bool json = false;
  bool reveal_partial_sums = false;
};

// Sizes only: what layouts take on this machine `opaline inspect --plan` says.
nlohmann::ordered_json layout_report(const ClientSpec& spec, std::size_t key_bits) {
  const SlotLayout layout = SlotLayout::batch(certificate_of(spec), key_bits);
  const std::size_t ciphertext = key_bits / 4;
  return {{"key_bits", key_bits},
          {"images_side_by_side", layout.images()},
          {"slot_bits", layout.shape().slot_bits},
          {"query_bytes", spec.sent() * ciphertext},
          {"reply_bytes", spec.outputs * ciphertext}};
}

nlohmann::ordered_json report_of(const ImportedNetwork& network, const QuantisedModel& compiled) {
  const ClientSpec& spec = compiled.model.client_spec();
  const QuantisationReport& quantisation = compiled.report;
  nlohmann::ordered_json report = {{"model_id", to_hex(spec.model_id)},
                                   {"operators", network.operators},
                                   {"input_shape", spec.input_shape},
                                   {"inputs", spec.inputs},
                                   {"outputs", spec.outputs},
                                   {"input_bits", quantisation.input_bits},
                                   {"input_range", {spec.encoding.lowest, spec.encoding.highest}},
                                   {"weight_bits", quantisation.weight_bits},
                                   {"answers_within", spec.bound},
                                   {"mask_bits", spec.mask_bits},
                                   {"inputs_sent", spec.sent()}};
  if (quantisation.calibration_images > 0) {
    report["calibration_images"] = quantisation.calibration_images;
    report["agreement"] = quantisation.agreement;
  }
  if (quantisation.float_accuracy) report["float_accuracy"] = *quantisation.float_accuracy;
  if (quantisation.integer_accuracy) report["integer_accuracy"] = *quantisation.integer_accuracy;
  report["layouts"] = nlohmann::ordered_json::array();
  for (const std::size_t bits : kReportedKeyBits) report["layouts"].push_back(layout_report(spec, bits));
  return report;
}

// Masks can be left out only by somebody who says what that means.
void check_masks(const Options& options) {
  if (options.quantisation.mask_bits == 0 && !options.reveal_partial_sums) {
    throw CLI::ValidationError(
        "--mask-bits 0 lets whoever decrypts a reply read sums of parts of the model's rows; say "
        "--reveal-partial-sums as well if that is meant");
  }
}

void run(const Options& options) {
  check_masks(options);
  const ImportedNetwork network = read_network(options.network);
  ImageSet calibration;
  std::vector<std::uint8_t> labels;
  if (!options.calibrate_images.empty()) calibration = read_idx_images(options.calibrate_images);
  if (!options.calibrate_labels.empty()) {
    labels = read_labels(options.calibrate_labels, std::nullopt, calibration.count);
  }
  QuantisationOptions quantisation = options.quantisation;
  quantisation.name = options.output.filename().string();
  const QuantisedModel compiled = [&] {
    try {
      return quantise(network, quantisation, calibration, labels);
    } catch (const Error& error) {
      throw Error(error.kind(), options.network.string() + ": " + error.what());
    }
  }();

  const Bytes server = compiled.model.serialise();
  const Bytes client = compiled.model.client_spec().serialise();
  const NewFile server_file = {with_ending(options.output, ".server"), server, FileMode::owner_only};
  const NewFile client_file = {with_ending(options.output, ".client"), client, FileMode::everyone};
  nlohmann::ordered_json report = {{"server", server_file.path.string()},
                                   {"client", client_file.path.string()}};
  report.update(report_of(network, compiled));
  write_both(server_file, client_file);
  print_report(report, options.json ? ReportFormat::json : ReportFormat::text);
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
                  "Width of an input; chosen on calibration images, else 8")
      ->check(CLI::Range(1, 16));
  command
      .add_option("--weight-bits", quantisation.weight_bits,
                  "Width of a weight with its sign; chosen on calibration images, else 8")
      ->check(CLI::Range(2, 24));
  command
      .add_option_function<std::string>(
          "--input-range",
          [options](const std::string& text) {
            const Interval interval = parse_interval(text);
            options->quantisation.input_lowest = interval.lowest;
            options->quantisation.input_highest = interval.highest;
          },
          "Range of an input after scaling; default: that of pixels 0 to 255")
      ->type_name("LOW:HIGH");
  command.add_option("--features", options->features, "Public features taken of an image first")
      ->check(CLI::IsMember({"none"}));
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
  command.add_option("--calibrate-labels", options->calibrate_labels, "Their classes, to report accuracies")
      ->type_name("FILE")
      ->needs(images);
  command
      .add_option("--agreement", quantisation.agreement,
                  "Share of calibration images that chosen widths must put in the float network's class")
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
  add_examples(command, {"opaline compile net.onnx --output digits",
                         "opaline compile net.onnx --output digits --calibrate-images "
                         "t10k-images-idx3-ubyte.gz --calibrate-labels t10k-labels-idx1-ubyte.gz"});
  return [options](const Session&) { run(*options); };
}

}  // namespace opaline::tools
