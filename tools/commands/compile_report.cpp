#include "commands/compile_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <span>
#include <vector>

#include "commands/plans.h"
#include "opaline/inference/planner.h"

namespace opaline::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kReportedKeyBits[] = {2048, 3072};
constexpr std::size_t kManyImages = 1000;
constexpr std::size_t kMostFlips = 20;
constexpr std::size_t kBars = 40;
constexpr double kLinkMbps = 50;

/// What single inputs and many cost, for keys of one size.
void add_layouts(const ClientSpec& spec, std::size_t key_bits, const Session& session, Json& layouts) {
  struct Row {
    const char* layout;
    std::size_t images;
  };
  const Encryptor encryptor(SecretKey::generate(key_bits), session.backend);
  const Planner planner(spec, key_bits, MachineSpeed::measure(encryptor, session.backend));
  for (const Row& row :
       {Row{"latency", 1}, Row{"bandwidth", 1}, Row{"plain", 1}, Row{"throughput", kManyImages}}) {
    const Plan plan = planner.choose(*objective_of(row.layout), row.images, kLinkMbps);
    const auto milliseconds = [](double seconds) { return std::round(1e5 * seconds) / 100; };
    layouts.push_back({{"key_bits", key_bits},
                       {"layout", row.layout},
                       {"images", row.images},
                       {"slot_bits", plan.layout.slot_bits},
                       {"bytes_up", plan.bytes_up},
                       {"bytes_down", plan.bytes_down},
                       {"encrypt_ms", milliseconds(plan.encrypt_seconds)},
                       {"evaluate_ms", milliseconds(plan.evaluate_seconds)},
                       {"decrypt_ms", milliseconds(plan.decrypt_seconds)}});
  }
}

/// How many margins lie in each of equal parts from 0 to the largest.
void add_margins(const std::vector<double>& margins, Json& report) {
  if (margins.empty()) return;
  const double largest = *std::max_element(margins.begin(), margins.end());
  std::vector<std::size_t> bars(kBars, 0);
  for (const double margin : margins) {
    const double place = largest > 0.0 ? margin / largest * static_cast<double>(kBars) : 0.0;
    ++bars[std::min(static_cast<std::size_t>(place), kBars - 1)];
  }
  report["margins"] = {{"largest", largest}, {"inputs", bars}};
}

void add_calibration(const ClientSpec& spec, const QuantisationReport& quantisation, Json& report) {
  const bool regression = spec.task == Task::regression;
  report["calibration_inputs"] = quantisation.calibration_inputs;
  report["beyond_range"] = quantisation.beyond_range;
  report["largest_error"] = quantisation.largest_error;
  report["agreement"] = quantisation.agreement;
  if (quantisation.float_accuracy) {
    report[regression ? "float_r2" : "float_accuracy"] = *quantisation.float_accuracy;
  }
  if (quantisation.integer_accuracy) {
    report[regression ? "integer_r2" : "integer_accuracy"] = *quantisation.integer_accuracy;
  }
  if (regression) return;
  report["flips"] = quantisation.flips.size();
  if (!quantisation.flips.empty()) report["smallest_flips"] = Json::array();
  for (std::size_t i = 0; i < std::min(quantisation.flips.size(), kMostFlips); ++i) {
    const Flip& flip = quantisation.flips[i];
    report["smallest_flips"].push_back({{"index", flip.index},
                                        {"float_label", spec.labels.at(flip.float_class)},
                                        {"integer_label", spec.labels.at(flip.integer_class)},
                                        {"margin", flip.margin}});
  }
  for (std::size_t t = 0; t < spec.classes() && !quantisation.confusion.empty(); ++t) {
    const auto row = std::span(quantisation.confusion).subspan(t * spec.classes(), spec.classes());
    report["confusion"].push_back({{"true_label", spec.labels.at(t)}, {"found", Json(row)}});
  }
  add_margins(quantisation.margins, report);
}

/// What is said of each quantity of a regression.
void add_quantities(const ClientSpec& spec, const QuantisationReport& quantisation, Json& report) {
  for (std::size_t k = 0; k < quantisation.quantities.size(); ++k) {
    const QuantityReport& quantity = quantisation.quantities[k];
    Json row = {{"name", spec.labels.at(k)}, {"error_bound", quantity.error_bound}};
    if (quantisation.calibration_inputs > 0) {
      row["largest_error"] = quantity.largest_error;
      row["agreement"] = quantity.agreement;
    }
    if (quantity.float_r2) row["float_r2"] = *quantity.float_r2;
    if (quantity.integer_r2) row["integer_r2"] = *quantity.integer_r2;
    report["quantities"].push_back(row);
  }
}

}  // namespace

Json compile_report(const ImportedNetwork& network, const QuantisedModel& compiled, const Session& session) {
  const ClientSpec& spec = compiled.model.client_spec();
  const QuantisationReport& quantisation = compiled.report;
  Json report = {{"model_id", to_hex(spec.model_id)},
                 {"operators", network.operators},
                 {"input_shape", spec.input_shape},
                 {"inputs", spec.inputs},
                 {"outputs", spec.outputs}};
  if (network.largest_difference) report["collapse_difference"] = *network.largest_difference;
  report["task"] = spec.task == Task::regression ? "regression" : "classification";
  report["features"] = name_of(spec.features);
  report["input_bits"] = quantisation.input_bits;
  if (spec.encoding.ranges.size() == 1) {
    report["input_range"] = {spec.encoding.range(0).lowest, spec.encoding.range(0).highest};
  } else {
    report["input_ranges"] = spec.encoding.ranges.size();
  }
  report["beyond"] = spec.encoding.beyond == Beyond::clipped ? "clipped" : "refused";
  report["weight_bits"] = quantisation.weight_bits;
  report["weight_scales"] = spec.output_scales.size() == 1 ? "global" : "per output";
  report["answers_within"] = spec.bound;
  report["output_offset"] = spec.output_offset;
  report["error_bound"] = quantisation.error_bound;
  report["mask_bits"] = spec.mask_bits;
  report["inputs_sent"] = spec.sent();
  if (quantisation.calibration_inputs > 0) add_calibration(spec, quantisation, report);
  add_quantities(spec, quantisation, report);
  report["layouts"] = Json::array();
  for (const std::size_t bits : kReportedKeyBits) add_layouts(spec, bits, session, report["layouts"]);
  return report;
}

}  // namespace opaline::tools
