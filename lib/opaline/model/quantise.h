#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "opaline/model/calibration.h"
#include "opaline/model/compiled_model.h"
#include "opaline/model/onnx_network.h"

namespace opaline {

/// How the weights of several outputs become integers.
enum class WeightScales {
  global,      ///< one scale: integers of different outputs can be compared
  per_output,  ///< each output's largest weight takes all bits; the client compares scores
};

/// What `opaline compile` may be told. What is left open is taken from the network's notes, or chosen.
struct QuantisationOptions {
  std::string name = "model";
  std::optional<unsigned> input_bits;         ///< 1 … 16
  std::optional<unsigned> weight_bits;        ///< 2 … 24, sign included
  std::optional<WeightScales> weight_scales;  ///< default: global for classes, per_output for quantities
  std::optional<unsigned>
      slot_bits;  ///< weights are scaled down until −bound … bound takes no more bits; 2 … 63
  std::optional<FeatureMap> features;
  PixelScaling pixels;
  std::vector<InputRange> ranges;    ///< one for all inputs, or one an input; see widened_ranges
  std::optional<Beyond> beyond;      ///< default: clipped where the ranges come from data or a feature map
  std::vector<std::string> columns;  ///< ClientSpec::columns
  std::vector<std::string> answers;  ///< ClientSpec::answers
  std::optional<Task> task;          ///< default: regression for one output without a sigmoid or such notes
  std::vector<std::string> labels;   ///< default: the network's own, else "0", "1", …
  unsigned mask_bits = 40;           ///< ClientSpec::mask_bits
  bool drop_unused = false;          ///< list the inputs without a weight in the spec: they need not be sent
  double agreement = 0.995;  ///< with the float network, asked of automatic widths on calibration data
};

/// A calibration input whose class the integers changed.
struct Flip {
  std::size_t index = 0;
  std::size_t float_class = 0;
  std::size_t integer_class = 0;
  double margin = 0.0;  ///< between the float network's two scores
};

/// How well the integers give one quantity of a regression, in its own units.
struct QuantityReport {
  double error_bound = 0.0;        ///< as QuantisationReport's
  double largest_error = 0.0;      ///< what follows is 0 or empty without calibration inputs
  double agreement = 0.0;          ///< 1 − rms difference from the float network / its standard deviation
  std::optional<double> float_r2;  ///< with true values
  std::optional<double> integer_r2;
};

/// How well the integers do what the floats did.
struct QuantisationReport {
  unsigned input_bits = 0;
  unsigned weight_bits = 0;
  double error_bound = 0.0;  ///< no score is farther from the float network's for inputs within their ranges
  std::vector<QuantityReport> quantities;  ///< of a regression, one an output

  std::size_t calibration_inputs = 0;      ///< all that follows is empty or 0 without any
  std::size_t beyond_range = 0;            ///< calibration inputs with numbers that were clipped
  double largest_error = 0.0;              ///< seen, of those that were not clipped
  double agreement = 0.0;                  ///< share of equal classes; of a regression the worst quantity's
  std::optional<double> float_accuracy;    ///< with true classes; of a regression the mean R² of quantities
  std::optional<double> integer_accuracy;  ///< likewise
  std::vector<Flip> flips;                 ///< in the order of their margins, smallest first
  std::vector<std::size_t> confusion;      ///< classes × classes, true one by found one; with true classes
  std::vector<double> margins;             ///< between the largest and the next score of each input
};

struct QuantisedModel {
  CompiledModel model;
  QuantisationReport report;
};

/// The spec of a model before there are integers: everything but widths, scales and what follows from them.
ClientSpec describe_model(const ImportedNetwork& network, const QuantisationOptions& options);

/// Rounds the affine map to integers: inputs by InputEncoding, weights times their input's step on a scale
/// that puts the largest magnitude at 2^(weight_bits−1) − 1, bias on the product of the two. An offset common
/// to all outputs goes to the client where a slot becomes narrower by it. Without calibration data open
/// widths become 8 and 8; with them, the fewest total bits that reach options.agreement.
/// Error(invalid_argument) for options that make no sense, Error(does_not_fit) for numbers that do not fit.
QuantisedModel quantise(const ImportedNetwork& network, const QuantisationOptions& options,
                        const CalibrationSet& calibration = {});

}  // namespace opaline
