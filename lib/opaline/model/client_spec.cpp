#include <compiled_model.pb.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iterator>
#include <optional>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/base/frame.h"
#include "opaline/model/client_spec.h"
#include "opaline/model/client_spec_format.h"
#include "opaline/model/text.h"
#include "opaline/model/wire_walk.h"

namespace opaline {
namespace {

constexpr FrameKind kKind = {'C', 'L', 'N', 'T'};
constexpr std::uint32_t kVersion = 3;

constexpr std::uint32_t kFeaturesVersion = 1;
constexpr std::size_t kLongestText = 256;
constexpr unsigned kMostWeightBits = 24;
constexpr unsigned kMostMaskBits = 128;

/// Answers and offsets stay below 2^62, so no score leaves double precision.
constexpr double kLargestScale = 0x1p960;

// The largest specs there can be: of a table with named columns, and of an image with every input unused that
// may be. A text stands behind 4 bytes of number and length, an unused input's number has 3.
constexpr std::size_t kTextOnWire = 4 + kLongestText;
constexpr std::size_t kRangeOnWire = 2 * sizeof(double);
constexpr std::size_t kOutputsOnWire = kMostOutputs * (2 * kTextOnWire + sizeof(double));
constexpr std::size_t kRestOnWire = 4096;
static_assert(kMostColumns * (kTextOnWire + kRangeOnWire + 3) + kOutputsOnWire + kRestOnWire <=
              kClientFileLimit);
static_assert(kMostInputs * (kRangeOnWire + 3) + kOutputsOnWire + kRestOnWire <= kClientFileLimit);

constexpr std::array kActivations = {
    std::pair(OutputActivation::none, model::ACTIVATION_NONE),
    std::pair(OutputActivation::softmax, model::ACTIVATION_SOFTMAX),
    std::pair(OutputActivation::log_softmax, model::ACTIVATION_LOG_SOFTMAX),
    std::pair(OutputActivation::sigmoid, model::ACTIVATION_SIGMOID),
    std::pair(OutputActivation::argmax, model::ACTIVATION_ARGMAX),
};

void require(bool condition, const char* what) {
  if (!condition) throw Error(ErrorKind::invalid_argument, what);
}

std::size_t checked_input_count(const std::vector<std::size_t>& shape) {
  require(!shape.empty() && shape.size() <= kMostInputDimensions,
          "the input shape has to have 1 to 8 dimensions");
  std::size_t count = 1;
  for (const std::size_t dimension : shape) {
    require(dimension > 0 && dimension <= kMostInputs / count, "the input has to have 1 to 2^20 elements");
    count *= dimension;
  }
  return count;
}

void check_text(const std::string& text, const char* what) {
  require(!text.empty() && text.size() <= kLongestText && is_plain_text(text), what);
}

std::string input_name(const ClientSpec& spec, std::size_t input) {
  return spec.columns.empty() ? "input " + std::to_string(input) : "column \"" + spec.columns[input] + "\"";
}

void check_answers(const ClientSpec& spec, std::span<const std::int64_t> integers) {
  if (integers.size() != spec.outputs) {
    throw Error(ErrorKind::invalid_argument, "the model gives " + std::to_string(spec.outputs) +
                                                 " numbers an input, not " + std::to_string(integers.size()));
  }
}

struct CountLimit {
  int field;
  std::size_t most;
  const char* what;
  bool packed;  // numbers
};

constexpr CountLimit kCountLimits[] = {
    {model::ClientSpec::kLabelsFieldNumber, kMostOutputs, "labels", false},
    {model::ClientSpec::kAnswersFieldNumber, kMostOutputs, "predicted columns", false},
    {model::ClientSpec::kColumnsFieldNumber, kMostColumns, "columns", false},
    {model::ClientSpec::kInputShapeFieldNumber, kMostInputDimensions, "dimensions", true},
    {model::ClientSpec::kUnusedFieldNumber, kMostInputs, "unused inputs", true}};

/// Before protobuf makes 32 bytes and more of a text that had two, and 8 of a number that had one.
void check_counts(ByteView wire) {
  std::array<std::size_t, std::size(kCountLimits)> counts{};
  const bool whole = walk_wire(wire, [&](const WireField& field) {
    for (std::size_t i = 0; i < counts.size(); ++i) {
      const CountLimit& limit = kCountLimits[i];
      if (field.number != limit.field) continue;
      const bool many = limit.packed && field.type == WireField::Type::contents;
      counts[i] += many ? packed_numbers(field.contents) : 1;
      if (counts[i] > limit.most) {
        throw Error(ErrorKind::too_large,
                    "it has more than " + std::to_string(limit.most) + " " + limit.what);
      }
    }
    return true;
  });
  if (!whole) throw Error(ErrorKind::damaged, "its contents are not a client spec");
}

}  // namespace

std::vector<double> ClientSpec::inputs_of(std::span<const std::uint8_t> image) const {
  if (image.size() != image_size()) {
    throw Error(ErrorKind::invalid_argument, "the model takes images of " + std::to_string(image_size()) +
                                                 " pixels, this one has " + std::to_string(image.size()));
  }
  if (features != FeatureMap::none) return features_of(features, image);
  std::vector<double> values(image.size());
  std::transform(image.begin(), image.end(), values.begin(), pixels);
  return values;
}

std::vector<std::int64_t> ClientSpec::encode(std::span<const double> values) const {
  if (values.size() != inputs) {
    throw Error(ErrorKind::invalid_argument, "the model takes " + std::to_string(inputs) + " inputs, given " +
                                                 std::to_string(values.size()));
  }
  std::vector<std::int64_t> integers(values.size());
  for (std::size_t j = 0; j < values.size(); ++j) {
    try {
      integers[j] = encoding.encode(j, values[j]);
    } catch (const Error& error) {
      throw Error(error.kind(), input_name(*this, j) + ": " + error.what());
    }
  }
  return integers;
}

std::vector<std::int64_t> ClientSpec::encode_pixels(std::span<const std::uint8_t> image) const {
  const bool alike = features == FeatureMap::none && encoding.ranges.size() == 1;
  if (!alike || image.size() != inputs) return encode(inputs_of(image));
  // Pixels of one value become one integer, so each value is encoded once.
  constexpr std::int64_t kUnknown = -1;
  std::array<std::int64_t, 256> known{};
  known.fill(kUnknown);
  std::vector<std::int64_t> integers(image.size());
  for (std::size_t j = 0; j < image.size(); ++j) {
    std::int64_t& integer = known[image[j]];
    if (integer == kUnknown) integer = encoding.encode(j, pixels(image[j]));
    integers[j] = integer;
  }
  return integers;
}

std::vector<double> ClientSpec::scores(std::span<const std::int64_t> integers) const {
  check_answers(*this, integers);
  std::vector<double> logits(integers.size());
  for (std::size_t k = 0; k < logits.size(); ++k) {
    logits[k] = (static_cast<double>(integers[k]) + static_cast<double>(output_offset)) * output_scale(k);
  }
  return logits;
}

std::size_t ClientSpec::classify(std::span<const std::int64_t> integers) const {
  check_answers(*this, integers);
  if (task != Task::classification) {
    throw Error(ErrorKind::invalid_argument, "a regression has no classes");
  }
  if (classes() != outputs) return integers.front() > -output_offset ? 1 : 0;
  const auto first_largest = [](const auto& values) {
    return static_cast<std::size_t>(std::max_element(values.begin(), values.end()) - values.begin());
  };
  return output_scales.size() == 1 ? first_largest(integers) : first_largest(scores(integers));
}

std::vector<double> ClientSpec::probabilities(std::span<const std::int64_t> integers) const {
  std::vector<double> values = scores(integers);
  const auto sigmoid = [](double x) { return 1.0 / (1.0 + std::exp(-x)); };
  if (activation == OutputActivation::sigmoid) {
    if (classes() != outputs) return {sigmoid(-values.front()), sigmoid(values.front())};
    std::transform(values.begin(), values.end(), values.begin(), sigmoid);
    return values;
  }
  if (activation != OutputActivation::softmax && activation != OutputActivation::log_softmax) return {};
  const double largest = *std::max_element(values.begin(), values.end());
  double sum = 0.0;
  for (double& value : values) sum += value = std::exp(value - largest);
  for (double& value : values) value /= sum;
  return values;
}

void check_client_spec(const ClientSpec& spec) {
  check_text(spec.name, "the model's name has to be plain UTF-8 of 1 to 256 bytes");
  require(checked_input_count(spec.input_shape) == spec.inputs,
          "the number of inputs does not fit their shape");
  require(spec.outputs >= 1 && spec.outputs <= kMostOutputs, "a model has to have 1 to 4096 outputs");
  require(spec.labels.size() == (spec.task == Task::regression ? spec.outputs : spec.classes()),
          "a model has to have one label a class, or one an output of a regression");
  for (const std::string& label : spec.labels) {
    check_text(label, "every label has to be plain UTF-8 of 1 to 256 bytes");
  }
  require(std::isfinite(spec.pixels.scale) && std::isfinite(spec.pixels.mean) &&
              std::isfinite(spec.pixels.deviation) && spec.pixels.deviation > 0,
          "the pixel scaling has to be finite, its deviation above 0");
  require(spec.features == FeatureMap::none || feature_count(spec.features) == spec.inputs,
          "the number of inputs is not that of the feature map");
  require(spec.columns.empty() || (spec.columns.size() == spec.inputs && spec.columns.size() <= kMostColumns),
          "a table has to have one column an input, at most 65536");
  require(spec.answers.size() <= kMostOutputs, "a model predicts 4096 columns at most");
  for (const auto* names : {&spec.columns, &spec.answers}) {
    for (const std::string& name : *names) {
      check_text(name, "every column's name has to be plain UTF-8 of 1 to 256 bytes");
    }
  }
  check_encoding(spec.encoding, spec.inputs);
  require(spec.output_scales.size() == 1 || spec.output_scales.size() == spec.outputs,
          "there has to be one output scale, or one an output");
  for (const double scale : spec.output_scales) {
    require(scale > 0 && scale <= kLargestScale, "an output scale has to lie above 0 and not above 2^960");
  }
  require(spec.output_offset >= -kLargestBound && spec.output_offset <= kLargestBound,
          "the offset of the outputs has to lie below 2^62");
  require(spec.bound >= 0 && spec.bound <= kLargestBound, "the certificate's bound has to lie below 2^62");
  require(spec.weight_bits >= 2 && spec.weight_bits <= kMostWeightBits, "a weight has to have 2 to 24 bits");
  require(spec.mask_bits <= kMostMaskBits, "masks can hide up to 2^-128 at most");
  const bool ascending =
      std::adjacent_find(spec.unused.begin(), spec.unused.end(), std::greater_equal<>()) == spec.unused.end();
  require(ascending && spec.unused.size() < spec.inputs &&
              (spec.unused.empty() || spec.unused.back() < spec.inputs),
          "the unused inputs have to be some of the inputs, in ascending order");
}

std::string client_spec_to_wire(const ClientSpec& spec) {
  check_client_spec(spec);
  model::ClientSpec wire;
  wire.set_model_id(spec.model_id.data(), spec.model_id.size());
  wire.set_name(spec.name);
  for (const std::size_t dimension : spec.input_shape) wire.add_input_shape(dimension);
  wire.set_outputs(spec.outputs);
  wire.mutable_pixels()->set_scale(spec.pixels.scale);
  wire.mutable_pixels()->set_mean(spec.pixels.mean);
  wire.mutable_pixels()->set_deviation(spec.pixels.deviation);
  if (spec.features != FeatureMap::none) {
    wire.set_features(std::string(name_of(spec.features)));
    wire.set_features_version(kFeaturesVersion);
  }
  wire.mutable_columns()->Add(spec.columns.begin(), spec.columns.end());
  wire.mutable_answers()->Add(spec.answers.begin(), spec.answers.end());
  for (const auto& [lowest, highest] : spec.encoding.ranges) {
    wire.mutable_encoding()->add_lowest(lowest);
    wire.mutable_encoding()->add_highest(highest);
  }
  wire.mutable_encoding()->set_bits(spec.encoding.bits);
  wire.mutable_encoding()->set_clipped(spec.encoding.beyond == Beyond::clipped);
  wire.set_regression(spec.task == Task::regression);
  for (const std::string& label : spec.labels) wire.add_labels(label);
  for (const auto& [activation, number] : kActivations) {
    if (activation == spec.activation) wire.set_activation(number);
  }
  wire.mutable_output_scales()->Add(spec.output_scales.begin(), spec.output_scales.end());
  wire.set_output_offset(spec.output_offset);
  wire.set_bound(static_cast<std::uint64_t>(spec.bound));
  wire.set_weight_bits(spec.weight_bits);
  wire.set_mask_bits(spec.mask_bits);
  wire.mutable_unused()->Add(spec.unused.begin(), spec.unused.end());
  return wire.SerializeAsString();
}

ClientSpec client_spec_from_wire(std::string_view bytes) {
  if (bytes.size() > kClientFileLimit) throw Error(ErrorKind::too_large, "its client spec is too large");
  check_counts(as_bytes(bytes));
  model::ClientSpec wire;
  if (!wire.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw Error(ErrorKind::damaged, "its contents are not a client spec");
  }
  ClientSpec spec;
  require(wire.model_id().size() == spec.model_id.size(), "its model id has to have 32 bytes");
  std::copy(wire.model_id().begin(), wire.model_id().end(), spec.model_id.begin());
  spec.name = wire.name();
  spec.input_shape.assign(wire.input_shape().begin(), wire.input_shape().end());
  spec.inputs = checked_input_count(spec.input_shape);
  spec.outputs = wire.outputs();
  spec.pixels = {wire.pixels().scale(), wire.pixels().mean(), wire.pixels().deviation()};
  if (!wire.features().empty()) {
    const std::optional<FeatureMap> map = feature_map_of(wire.features());
    require(map && *map != FeatureMap::none && wire.features_version() == kFeaturesVersion,
            "it asks for public features that this version does not know; a newer opaline may");
    spec.features = *map;
  }
  spec.columns.assign(wire.columns().begin(), wire.columns().end());
  spec.answers.assign(wire.answers().begin(), wire.answers().end());
  const auto& encoding = wire.encoding();
  require(encoding.lowest_size() == encoding.highest_size(), "its input ranges are not pairs");
  require(static_cast<std::size_t>(encoding.lowest_size()) <= spec.inputs, "it has more ranges than inputs");
  spec.encoding.ranges.clear();
  for (int i = 0; i < encoding.lowest_size(); ++i) {
    spec.encoding.ranges.push_back({encoding.lowest(i), encoding.highest(i)});
  }
  spec.encoding.bits = encoding.bits();
  spec.encoding.beyond = encoding.clipped() ? Beyond::clipped : Beyond::refused;
  spec.task = wire.regression() ? Task::regression : Task::classification;
  spec.labels.assign(wire.labels().begin(), wire.labels().end());
  const auto* activation = std::find_if(kActivations.begin(), kActivations.end(),
                                        [&](const auto& pair) { return pair.second == wire.activation(); });
  require(activation != kActivations.end(), "its output activation is unknown");
  spec.activation = activation->first;
  require(static_cast<std::size_t>(wire.output_scales_size()) <= kMostOutputs,
          "it has more output scales than outputs");
  spec.output_scales.assign(wire.output_scales().begin(), wire.output_scales().end());
  spec.output_offset = wire.output_offset();
  require(wire.bound() <= static_cast<std::uint64_t>(kLargestBound), "its bound is not below 2^62");
  spec.bound = static_cast<std::int64_t>(wire.bound());
  spec.weight_bits = wire.weight_bits();
  spec.mask_bits = wire.mask_bits();
  spec.unused.assign(wire.unused().begin(), wire.unused().end());
  check_client_spec(spec);
  return spec;
}

Bytes ClientSpec::serialise() const {
  return make_frame(kKind, kVersion, as_bytes(client_spec_to_wire(*this)));
}

ClientSpec ClientSpec::parse(ByteView file, const std::string& name) {
  FrameReader reader(file, name);
  const Bytes payload = reader.next(kKind, kVersion, kClientFileLimit);
  reader.expect_end();
  return read_named(name, [&] {
    return client_spec_from_wire({reinterpret_cast<const char*>(payload.data()), payload.size()});
  });
}

}  // namespace opaline
