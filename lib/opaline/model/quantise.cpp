#include "opaline/model/quantise.h"

// Eigen's own threads would come on top of those of parallel_for.
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/base/parallel.h"
#include "opaline/model/client_spec_format.h"
#include "opaline/model/rounded_map.h"

namespace opaline {
namespace {

using Eigen::Index;
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr unsigned kDefaultBits = 8;
// Pixels have 8 bits; a table's columns can be stretched by single values.
constexpr unsigned kMostSearchedInputBits = 8;
constexpr unsigned kMostSearchedColumnBits = 12;
constexpr unsigned kFewestWeightBits = 2;
constexpr unsigned kMostSearchedWeightBits = 12;
constexpr unsigned kMostWeightBits = 24;
constexpr unsigned kMostInputBits = 16;

struct Widths {
  unsigned input_bits = kDefaultBits;
  unsigned weight_bits = kDefaultBits;
};

struct BitRange {
  unsigned first;
  unsigned last;
};

[[noreturn]] void refuse(const std::string& why) { throw Error(ErrorKind::invalid_argument, why); }

Index index(std::size_t value) { return static_cast<Index>(value); }

// What the spec says before there are integers.

std::vector<std::string> numbered(std::size_t count) {
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
  return names;
}

/// The first that is not empty.
template <typename List>
List first_of(const List& first, const List& second) {
  return first.empty() ? second : first;
}

Task task_of(const ImportedNetwork& network, const QuantisationOptions& options) {
  const bool one_quantity = network.map.outputs == 1 && network.activation == OutputActivation::none;
  const bool regression = network.regression || network.notes.regression || one_quantity;
  return options.task.value_or(regression ? Task::regression : Task::classification);
}

std::vector<std::string> labels_of(const ImportedNetwork& network, const QuantisationOptions& options,
                                   const ClientSpec& spec) {
  std::vector<std::string> labels = first_of(options.labels, first_of(network.notes.labels, network.labels));
  if (!labels.empty()) return labels;
  if (spec.task == Task::classification) return numbered(spec.classes());
  return spec.answers.size() == spec.outputs ? spec.answers : numbered(spec.outputs);
}

void set_ranges(const ImportedNetwork& network, const QuantisationOptions& options, ClientSpec& spec) {
  InputEncoding& encoding = spec.encoding;
  encoding.beyond = Beyond::clipped;
  if (!options.ranges.empty()) {
    encoding.ranges = options.ranges;
    encoding.beyond = Beyond::refused;
  } else if (spec.features != FeatureMap::none) {
    const FeatureRange range = feature_range(spec.features);
    encoding.ranges = {{range.lowest, range.highest}};
  } else if (!network.notes.ranges.empty()) {
    encoding.ranges = widened(network.notes.ranges);
  } else if (!network.suggested_ranges.empty()) {
    encoding.ranges = network.suggested_ranges;
  } else {
    const auto [darkest, brightest] = std::minmax({spec.pixels(0), spec.pixels(255)});
    encoding.ranges = {{darkest, brightest}};
    encoding.beyond = Beyond::refused;
  }
  encoding.beyond = options.beyond.value_or(encoding.beyond);
}

WeightRounding rounding_of(const ClientSpec& spec, const QuantisationOptions& options, unsigned weight_bits) {
  // Classes are compared, which integers of one scale can be; quantities may be of any sizes.
  const WeightScales scales = options.weight_scales.value_or(
      spec.task == Task::regression ? WeightScales::per_output : WeightScales::global);
  return {weight_bits, scales, options.slot_bits};
}

CompiledModel compile(const AffineMap& map, ClientSpec spec, Widths widths,
                      const QuantisationOptions& options) {
  spec.encoding.bits = widths.input_bits;
  check_client_spec(spec);
  RoundedMap rounded = round_map(map, spec.encoding, rounding_of(spec, options, widths.weight_bits));
  spec.output_scales = std::move(rounded.scales);
  spec.output_offset = rounded.offset;
  CompiledModel model(std::move(spec), std::move(rounded.weights), std::move(rounded.bias));
  return options.drop_unused ? model.dropping_unused() : model;
}

// Calibration.

/// The class a row of scores means, as ClientSpec::classify.
template <typename Row>
std::uint16_t class_of(const Row& scores, const ClientSpec& spec) {
  if (spec.classes() != spec.outputs) return scores(0) > 0.0 ? 1 : 0;
  Index best = 0;
  scores.maxCoeff(&best);
  return static_cast<std::uint16_t>(best);
}

/// The scores of every calibration input: count × outputs.
Matrix float_scores(const AffineMap& map, const CalibrationSet& calibration) {
  const Eigen::Map<const Matrix> weights(map.weights.data(), index(map.outputs), index(map.inputs));
  const Eigen::Map<const Eigen::RowVectorXd> bias(map.bias.data(), index(map.outputs));
  const Eigen::Map<const Matrix> inputs(calibration.values.data(), index(calibration.count),
                                        index(calibration.inputs));
  Matrix scores(index(calibration.count), index(map.outputs));
  constexpr std::size_t kPiece = 256;
  parallel_for((calibration.count + kPiece - 1) / kPiece, [&](std::size_t piece) {
    const Index first = index(piece * kPiece);
    const Index rows = std::min(index(kPiece), inputs.rows() - first);
    scores.middleRows(first, rows) = (inputs.middleRows(first, rows) * weights.transpose()).rowwise() + bias;
  });
  return scores;
}

std::vector<std::uint16_t> classes_of(const Matrix& scores, const ClientSpec& spec) {
  std::vector<std::uint16_t> classes(static_cast<std::size_t>(scores.rows()));
  for (std::size_t i = 0; i < classes.size(); ++i) classes[i] = class_of(scores.row(index(i)), spec);
  return classes;
}

double share_equal(std::span<const std::uint16_t> a, std::span<const std::uint16_t> b) {
  std::size_t equal = 0;
  for (std::size_t i = 0; i < a.size(); ++i) equal += a[i] == b[i] ? 1U : 0U;
  return static_cast<double>(equal) / static_cast<double>(a.size());
}

using Column = Eigen::VectorXd;

double variance(const Column& values) { return (values.array() - values.mean()).square().mean(); }

/// QuantityReport::agreement; beside the quantity itself if it is a constant.
double agreement_of_quantity(const Column& scores, const Column& wanted) {
  const double difference = (scores - wanted).array().square().mean();
  if (difference == 0.0) return 1.0;
  const double spread = variance(wanted);
  const double measure = spread > 0.0 ? spread : wanted.array().square().mean();
  return measure > 0.0 ? 1.0 - std::sqrt(difference / measure) : 0.0;
}

/// How near some scores come to the float network's: QuantisationReport::agreement. Quantities are each
/// compared in units of their own, lest one of large numbers decides alone.
double agreement(const Matrix& scores, const Matrix& wanted, const ClientSpec& spec) {
  if (spec.task == Task::classification) {
    return share_equal(classes_of(scores, spec), classes_of(wanted, spec));
  }
  double worst = 1.0;
  for (Index k = 0; k < scores.cols(); ++k) {
    worst = std::min(worst, agreement_of_quantity(scores.col(k), wanted.col(k)));
  }
  return worst;
}

/// The calibration inputs as integers.
Matrix encoded(const ClientSpec& spec, const CalibrationSet& calibration) {
  Matrix integers(index(calibration.count), index(calibration.inputs));
  parallel_for(calibration.count, [&](std::size_t i) {
    const std::vector<std::int64_t> row = spec.encode(calibration[i]);
    for (std::size_t j = 0; j < row.size(); ++j) {
      integers(index(i), index(j)) = static_cast<double>(row[j]);
    }
  });
  return integers;
}

/// Agreements for one input width and each of the weight widths, on inputs and their mixtures.
std::vector<double> agreements(const AffineMap& map, const ClientSpec& spec, BitRange weight_bits,
                               const QuantisationOptions& options, const CalibrationSet& mixed,
                               std::size_t inputs_alone, const Matrix& wanted) {
  const Matrix inputs = encoded(spec, mixed);
  std::vector<double> result;
  for (unsigned bits = weight_bits.first; bits <= weight_bits.last; ++bits) {
    const RoundedMap rounded = round_map(map, spec.encoding, rounding_of(spec, options, bits));
    Matrix weights(index(map.outputs), index(map.inputs));
    std::copy(rounded.weights.begin(), rounded.weights.end(), weights.data());
    Matrix scores(inputs.rows(), weights.rows());
    constexpr Index kPiece = 256;
    parallel_for(static_cast<std::size_t>((inputs.rows() + kPiece - 1) / kPiece), [&](std::size_t piece) {
      const Index first = index(piece) * kPiece;
      const Index rows = std::min(kPiece, inputs.rows() - first);
      scores.middleRows(first, rows) = inputs.middleRows(first, rows) * weights.transpose();
    });
    // Integers of one scale are compared as they are, exact below 2^53.
    for (std::size_t k = 0; k < map.outputs; ++k) {
      const double offset = static_cast<double>(rounded.bias[k]) + static_cast<double>(rounded.offset);
      scores.col(index(k)).array() += offset;
      if (rounded.scales.size() > 1 || spec.task == Task::regression) {
        scores.col(index(k)) *= rounded.scales[rounded.scales.size() > 1 ? k : 0];
      }
    }
    // The inputs themselves, and with their mixtures.
    const Index own = index(inputs_alone);
    result.push_back(
        std::min(agreement(scores.topRows(own), wanted.topRows(own), spec), agreement(scores, wanted, spec)));
  }
  return result;
}

/// The fewest total bits that reach the agreement asked for, fewer input bits first; else the widest
/// searched.
Widths search_widths(const AffineMap& map, ClientSpec spec, const QuantisationOptions& options,
                     const CalibrationSet& calibration) {
  const CalibrationSet mixed = with_mixtures(calibration);
  const Matrix wanted = float_scores(map, mixed);
  const unsigned most = spec.encoding.ranges.size() > 1 ? kMostSearchedColumnBits : kMostSearchedInputBits;
  const BitRange inputs{options.input_bits.value_or(1), options.input_bits.value_or(most)};
  BitRange weights{options.weight_bits.value_or(kFewestWeightBits),
                   options.weight_bits.value_or(kMostSearchedWeightBits)};
  Widths best{inputs.last, weights.last};
  for (unsigned input_bits = inputs.first; input_bits <= inputs.last && weights.first <= weights.last;
       ++input_bits) {
    spec.encoding.bits = input_bits;
    const std::vector<double> shares =
        agreements(map, spec, weights, options, mixed, calibration.count, wanted);
    const auto enough =
        std::find_if(shares.begin(), shares.end(), [&](double share) { return share >= options.agreement; });
    if (enough == shares.end()) continue;
    best = {input_bits, weights.first + static_cast<unsigned>(enough - shares.begin())};
    // With one more input bit only two weight bits fewer are an improvement.
    weights.last = best.weight_bits - 2;
  }
  return best;
}

// The report.

/// The largest score less the next; of one output its distance from 0.
template <typename Row>
double margin_of(const Row& scores) {
  if (scores.size() == 1) return std::abs(scores(0));
  Index best = 0;
  const double largest = scores.maxCoeff(&best);
  double next = -std::numeric_limits<double>::infinity();
  for (Index k = 0; k < scores.size(); ++k) {
    if (k != best) next = std::max(next, scores(k));
  }
  return largest - next;
}

/// What the integers say of every calibration input.
struct IntegerAnswers {
  Matrix scores;
  std::vector<std::uint16_t> classes;  ///< of a classification
  std::vector<std::uint8_t> clipped;   ///< 1 where a number of the input was
};

IntegerAnswers answer(const CompiledModel& model, const CalibrationSet& calibration) {
  const ClientSpec& spec = model.client_spec();
  IntegerAnswers answers{Matrix(index(calibration.count), index(spec.outputs)),
                         std::vector<std::uint16_t>(calibration.count),
                         std::vector<std::uint8_t>(calibration.count)};
  parallel_for(calibration.count, [&](std::size_t i) {
    const std::span<const double> values = calibration[i];
    const std::vector<std::int64_t> integers = model.predict(spec.encode(values));
    const std::vector<double> scores = spec.scores(integers);
    std::copy(scores.begin(), scores.end(), answers.scores.row(index(i)).data());
    if (spec.task == Task::classification) {
      answers.classes[i] = static_cast<std::uint16_t>(spec.classify(integers));
    }
    for (std::size_t j = 0; j < values.size() && answers.clipped[i] == 0; ++j) {
      answers.clipped[i] = spec.encoding.covers(j, values[j]) ? 0 : 1;
    }
  });
  return answers;
}

/// R², the share of a target's variance that some scores explain.
double explained(const Column& scores, const Column& target) {
  const double spread = variance(target);
  const double left = (scores - target).array().square().mean();
  return spread > 0.0 ? 1.0 - left / spread : 0.0;
}

void report_quantities(const Matrix& wanted, const IntegerAnswers& answers, const CalibrationSet& calibration,
                       QuantisationReport& report) {
  report.agreement = 1.0;
  const Matrix differences = (answers.scores - wanted).cwiseAbs();
  for (std::size_t k = 0; k < report.quantities.size(); ++k) {
    QuantityReport& quantity = report.quantities[k];
    quantity.agreement = agreement_of_quantity(answers.scores.col(index(k)), wanted.col(index(k)));
    report.agreement = std::min(report.agreement, quantity.agreement);
    for (std::size_t i = 0; i < calibration.count; ++i) {
      if (answers.clipped[i] != 0) continue;
      quantity.largest_error = std::max(quantity.largest_error, differences(index(i), index(k)));
    }
  }
  if (calibration.targets.empty()) return;
  const Eigen::Map<const Matrix> targets(calibration.targets.data(), wanted.rows(), wanted.cols());
  report.float_accuracy = 0.0;
  report.integer_accuracy = 0.0;
  const auto count = static_cast<double>(report.quantities.size());
  for (std::size_t k = 0; k < report.quantities.size(); ++k) {
    QuantityReport& quantity = report.quantities[k];
    quantity.float_r2 = explained(wanted.col(index(k)), targets.col(index(k)));
    quantity.integer_r2 = explained(answers.scores.col(index(k)), targets.col(index(k)));
    *report.float_accuracy += *quantity.float_r2 / count;
    *report.integer_accuracy += *quantity.integer_r2 / count;
  }
}

void report_classes(const ClientSpec& spec, const Matrix& wanted, const IntegerAnswers& answers,
                    const CalibrationSet& calibration, QuantisationReport& report) {
  const std::vector<std::uint16_t> float_classes = classes_of(wanted, spec);
  report.agreement = share_equal(answers.classes, float_classes);
  for (std::size_t i = 0; i < calibration.count; ++i) {
    report.margins.push_back(margin_of(answers.scores.row(index(i))));
    if (answers.classes[i] == float_classes[i]) continue;
    const auto scores = wanted.row(index(i));
    const double margin =
        spec.outputs == 1 ? std::abs(scores(0)) : scores(float_classes[i]) - scores(answers.classes[i]);
    report.flips.push_back({i, float_classes[i], answers.classes[i], margin});
  }
  std::stable_sort(report.flips.begin(), report.flips.end(),
                   [](const Flip& a, const Flip& b) { return a.margin < b.margin; });
  if (calibration.classes.empty()) return;
  report.float_accuracy = share_equal(float_classes, calibration.classes);
  report.integer_accuracy = share_equal(answers.classes, calibration.classes);
  report.confusion.assign(spec.classes() * spec.classes(), 0);
  for (std::size_t i = 0; i < calibration.count; ++i) {
    ++report.confusion[calibration.classes[i] * spec.classes() + answers.classes[i]];
  }
}

/// Adds what calibration data show.
void report_on(const CompiledModel& model, const Matrix& wanted, const CalibrationSet& calibration,
               QuantisationReport& report) {
  const ClientSpec& spec = model.client_spec();
  const IntegerAnswers answers = answer(model, calibration);
  report.calibration_inputs = calibration.count;
  for (std::size_t i = 0; i < calibration.count; ++i) {
    if (answers.clipped[i] != 0) {
      ++report.beyond_range;
    } else {
      const auto differences = answers.scores.row(index(i)) - wanted.row(index(i));
      report.largest_error = std::max(report.largest_error, differences.cwiseAbs().maxCoeff());
    }
  }
  if (spec.task == Task::classification) {
    report_classes(spec, wanted, answers, calibration, report);
  } else {
    report_quantities(wanted, answers, calibration, report);
  }
}

// Checks.

void check_width(std::optional<unsigned> bits, BitRange range, const char* what) {
  if (bits && (*bits < range.first || *bits > range.last)) {
    refuse(std::string(what) + " have to be " + std::to_string(range.first) + " to " +
           std::to_string(range.last));
  }
}

void check_calibration(const ClientSpec& spec, const CalibrationSet& calibration) {
  if (calibration.count > 0 && calibration.inputs != spec.inputs) {
    refuse("the calibration data have " + std::to_string(calibration.inputs) +
           " numbers an input, the network takes " + std::to_string(spec.inputs));
  }
  if (calibration.values.size() != calibration.count * calibration.inputs) {
    refuse("the calibration data do not have the numbers they claim");
  }
  if (!calibration.classes.empty() && calibration.classes.size() != calibration.count) {
    refuse("there are " + std::to_string(calibration.count) + " calibration inputs and " +
           std::to_string(calibration.classes.size()) + " labels");
  }
  if (!calibration.targets.empty() && calibration.targets.size() != calibration.count * spec.outputs) {
    refuse("the calibration data do not have one target an output");
  }
  if (std::any_of(calibration.classes.begin(), calibration.classes.end(),
                  [&](std::uint16_t label) { return label >= spec.classes(); })) {
    refuse("a calibration label names a class the network does not have");
  }
}

}  // namespace

ClientSpec describe_model(const ImportedNetwork& network, const QuantisationOptions& options) {
  ClientSpec spec;
  spec.name = options.name;
  spec.input_shape = network.input_shape;
  spec.inputs = network.map.inputs;
  spec.outputs = network.map.outputs;
  spec.features = options.features.value_or(network.notes.features);
  if (spec.features != FeatureMap::none && feature_count(spec.features) != spec.inputs) {
    refuse("the network takes " + std::to_string(spec.inputs) + " inputs, but the features \"" +
           std::string(name_of(spec.features)) + "\" are " + std::to_string(feature_count(spec.features)));
  }
  spec.pixels = options.pixels;
  spec.columns = first_of(options.columns, network.notes.columns);
  spec.answers = first_of(options.answers, network.notes.answers);
  spec.mask_bits = options.mask_bits;
  spec.activation = network.activation;
  spec.task = task_of(network, options);
  spec.labels = labels_of(network, options, spec);
  set_ranges(network, options, spec);
  return spec;
}

QuantisedModel quantise(const ImportedNetwork& network, const QuantisationOptions& options,
                        const CalibrationSet& calibration) {
  check_width(options.input_bits, {1, kMostInputBits}, "input bits");
  check_width(options.weight_bits, {kFewestWeightBits, kMostWeightBits}, "weight bits");
  check_width(options.slot_bits, {2, 63}, "slot bits");
  const AffineMap& map = network.map;
  if (map.weights.size() != map.outputs * map.inputs || map.bias.size() != map.outputs) {
    refuse("the network's weights do not fit its sizes");
  }
  const ClientSpec spec = describe_model(network, options);
  Widths widths{options.input_bits.value_or(kDefaultBits), options.weight_bits.value_or(kDefaultBits)};
  const auto result_of = [&](const Widths& chosen) {
    InputEncoding encoding = spec.encoding;
    encoding.bits = chosen.input_bits;
    QuantisedModel result{compile(map, spec, chosen, options), {}};
    const std::vector<double> bounds =
        round_map(map, encoding, rounding_of(spec, options, chosen.weight_bits)).error_bounds;
    result.report.error_bound = *std::max_element(bounds.begin(), bounds.end());
    if (spec.task == Task::regression) {
      for (const double bound : bounds) result.report.quantities.push_back({bound, 0.0, 0.0, {}, {}});
    }
    return result;
  };
  QuantisedModel result = result_of(widths);  // also checks the network and the options as a whole
  check_calibration(result.model.client_spec(), calibration);
  if (calibration.count > 0) {
    const Matrix wanted = float_scores(map, calibration);
    if (!options.input_bits || !options.weight_bits) {
      widths = search_widths(map, spec, options, calibration);
      result = result_of(widths);
    }
    report_on(result.model, wanted, calibration, result.report);
  }
  result.report.input_bits = widths.input_bits;
  result.report.weight_bits = widths.weight_bits;
  return result;
}

}  // namespace opaline
