#include "opaline/model/compiled_model.h"

#include <compiled_model.pb.h>

#include <algorithm>
#include <bit>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/base/frame.h"
#include "opaline/model/client_spec_format.h"

namespace opaline {
namespace {

constexpr FrameKind kKind = {'S', 'R', 'V', 'R'};
constexpr std::uint32_t kVersion = 3;
static_assert(kServerFileLimit <= std::numeric_limits<int>::max(), "protobuf counts bytes in an int");

constexpr std::int32_t kWeightLimit = std::int32_t{1} << 23;
constexpr std::int64_t kBiasLimit = std::int64_t{1} << 62;

void check_numbers(const ClientSpec& spec, const std::vector<std::int32_t>& weights,
                   const std::vector<std::int64_t>& bias) {
  // The spec's own limits keep the product from overflowing.
  if (weights.size() != spec.outputs * spec.inputs || bias.size() != spec.outputs ||
      weights.size() > kMostWeights) {
    throw Error(ErrorKind::invalid_argument,
                "a model has to have outputs x inputs weights, at most 2^26, and one bias an output");
  }
  const auto within = [](auto limit) {
    return [limit](auto value) { return value < limit && value > -limit; };
  };
  if (!std::all_of(weights.begin(), weights.end(), within(kWeightLimit)) ||
      !std::all_of(bias.begin(), bias.end(), within(kBiasLimit))) {
    throw Error(ErrorKind::invalid_argument,
                "weights have to stay below 2^23 and biases below 2^62 in magnitude");
  }
}

void check_unused(const ClientSpec& spec, const std::vector<std::int32_t>& weights) {
  for (const std::uint32_t input : spec.unused) {
    for (std::size_t k = 0; k < spec.outputs; ++k) {
      if (weights[k * spec.inputs + input] != 0) {
        throw Error(ErrorKind::invalid_argument,
                    "input " + std::to_string(input) + " has a weight, so it is not unused");
      }
    }
  }
}

/// The largest magnitude of an answer: inputs at their maximum where weights have one sign, 0 elsewhere. It
/// covers every partial sum too. Never overflows: 2^20 inputs of less than 2^16 times weights of less than
/// 2^23 make less than 2^59, and a bias is less than 2^62.
std::int64_t certificate(const ClientSpec& spec, const std::vector<std::int32_t>& weights,
                         const std::vector<std::int64_t>& bias) {
  std::int64_t bound = 0;
  for (std::size_t k = 0; k < spec.outputs; ++k) {
    std::int64_t negative = 0;
    std::int64_t positive = 0;
    for (std::size_t j = 0; j < spec.inputs; ++j) {
      const std::int32_t weight = weights[k * spec.inputs + j];
      (weight < 0 ? negative : positive) += weight;
    }
    const std::int64_t lowest = negative * spec.encoding.maximum() + bias[k];
    const std::int64_t highest = positive * spec.encoding.maximum() + bias[k];
    bound = std::max({bound, -lowest, highest});
  }
  if (bound > kLargestBound) {
    throw Error(ErrorKind::does_not_fit,
                "the model's answers could reach 2^62; compile it with fewer input or weight bits");
  }
  return bound;
}

/// Fewest bits for which every |weight| < 2^(bits − 1): two at least.
unsigned weight_bits(const std::vector<std::int32_t>& weights) {
  std::uint32_t magnitudes = 1;
  for (const std::int32_t weight : weights) magnitudes |= static_cast<std::uint32_t>(std::abs(weight));
  return static_cast<unsigned>(std::bit_width(magnitudes)) + 1;
}

/// Writes numbers and texts so that different models never give the same bytes.
class Canonical {
 public:
  void number(std::uint64_t value) {
    for (unsigned byte = 0; byte < 8; ++byte)
      bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * byte)));
  }
  void real(double value) { number(std::bit_cast<std::uint64_t>(value)); }
  void text(const std::string& value) {
    number(value.size());
    bytes_.insert(bytes_.end(), value.begin(), value.end());
  }
  void texts(const std::vector<std::string>& values) {
    number(values.size());
    for (const std::string& value : values) text(value);
  }
  ByteView bytes() const { return bytes_; }

 private:
  Bytes bytes_;
};

/// Everything that decides what integers an input becomes and what the answer means; a name does not.
Digest model_digest(const ClientSpec& spec, const std::vector<std::int32_t>& weights,
                    const std::vector<std::int64_t>& bias) {
  Canonical head;
  head.text("opaline model 3");
  head.number(spec.input_shape.size());
  for (const std::size_t dimension : spec.input_shape) head.number(dimension);
  head.number(spec.outputs);
  head.text(std::string(name_of(spec.features)));
  for (const double value : {spec.pixels.scale, spec.pixels.mean, spec.pixels.deviation}) head.real(value);
  for (const auto* names : {&spec.columns, &spec.answers, &spec.labels}) head.texts(*names);
  head.number(spec.encoding.ranges.size());
  for (const auto& [lowest, highest] : spec.encoding.ranges) {
    head.real(lowest);
    head.real(highest);
  }
  head.number(spec.encoding.bits);
  head.number(static_cast<std::uint64_t>(spec.encoding.beyond));
  head.number(static_cast<std::uint64_t>(spec.task));
  head.number(spec.output_scales.size());
  for (const double scale : spec.output_scales) head.real(scale);
  head.number(static_cast<std::uint64_t>(spec.output_offset));
  head.number(spec.mask_bits);
  head.number(static_cast<std::uint64_t>(spec.activation));
  head.number(spec.unused.size());
  for (const std::uint32_t input : spec.unused) head.number(input);
  for (const std::int64_t value : bias) head.number(static_cast<std::uint64_t>(value));

  Bytes matrix;
  matrix.reserve(weights.size() * sizeof(std::int32_t));
  for (const std::int32_t weight : weights) {
    const auto bits = static_cast<std::uint32_t>(weight);
    for (unsigned byte = 0; byte < 4; ++byte) matrix.push_back(static_cast<std::uint8_t>(bits >> (8 * byte)));
  }
  return sha256({head.bytes(), matrix});
}

}  // namespace

CompiledModel::CompiledModel(ClientSpec spec, std::vector<std::int32_t> weights,
                             std::vector<std::int64_t> bias)
    : spec_(std::move(spec)), weights_(std::move(weights)), bias_(std::move(bias)) {
  spec_.bound = 0;
  spec_.weight_bits = 2;
  check_client_spec(spec_);
  check_numbers(spec_, weights_, bias_);
  check_unused(spec_, weights_);
  spec_.bound = certificate(spec_, weights_, bias_);
  spec_.weight_bits = weight_bits(weights_);
  spec_.model_id = model_digest(spec_, weights_, bias_);
}

std::vector<std::int32_t> CompiledModel::sent_weights() const {
  std::vector<std::int32_t> sent;
  sent.reserve(spec_.outputs * spec_.sent());
  for (std::size_t k = 0; k < spec_.outputs; ++k) {
    const std::vector<std::int32_t> row =
        spec_.without_unused<std::int32_t>(std::span(weights_).subspan(k * spec_.inputs, spec_.inputs));
    sent.insert(sent.end(), row.begin(), row.end());
  }
  return sent;
}

CompiledModel CompiledModel::dropping_unused() const {
  ClientSpec spec = spec_;
  spec.unused.clear();
  for (std::size_t input = 0; input < spec.inputs; ++input) {
    bool used = false;
    for (std::size_t k = 0; k < spec.outputs; ++k) used = used || weights_[k * spec.inputs + input] != 0;
    if (!used) spec.unused.push_back(static_cast<std::uint32_t>(input));
  }
  if (spec.unused.size() == spec.inputs) spec.unused.pop_back();
  return {std::move(spec), weights_, bias_};
}

std::vector<std::int64_t> CompiledModel::predict(std::span<const std::int64_t> inputs) const {
  if (inputs.size() != spec_.inputs) {
    throw Error(ErrorKind::invalid_argument, "the model takes " + std::to_string(spec_.inputs) +
                                                 " inputs, given " + std::to_string(inputs.size()));
  }
  const std::int64_t largest = spec_.encoding.maximum();
  if (!std::all_of(inputs.begin(), inputs.end(), [&](std::int64_t q) { return q >= 0 && q <= largest; })) {
    throw Error(ErrorKind::out_of_range,
                "an encoded input lies outside [0, " + std::to_string(largest) + "]");
  }
  // The certificate covers every partial sum.
  std::vector<std::int64_t> answers = bias_;
  for (std::size_t k = 0; k < spec_.outputs; ++k) {
    const std::span row = std::span(weights_).subspan(k * spec_.inputs, spec_.inputs);
    for (std::size_t j = 0; j < row.size(); ++j) answers[k] += row[j] * inputs[j];
  }
  return answers;
}

Bytes CompiledModel::serialise() const {
  model::CompiledModel wire;
  wire.set_client_spec(client_spec_to_wire(spec_));
  wire.mutable_weights()->Add(weights_.begin(), weights_.end());
  wire.mutable_bias()->Add(bias_.begin(), bias_.end());
  return make_frame(kKind, kVersion, as_bytes(wire.SerializeAsString()));
}

CompiledModel CompiledModel::parse(ByteView file, const std::string& name) {
  FrameReader reader(file, name);
  const Bytes payload = reader.next(kKind, kVersion, kServerFileLimit);
  reader.expect_end();
  return read_named(name, [&] {
    model::CompiledModel wire;
    if (!wire.ParseFromArray(payload.data(), static_cast<int>(payload.size()))) {
      throw Error(ErrorKind::damaged, "its contents are not a compiled model");
    }
    // As parsed they take what the file has; only what there can be is copied.
    if (static_cast<std::size_t>(wire.weights_size()) > kMostWeights ||
        static_cast<std::size_t>(wire.bias_size()) > kMostOutputs) {
      throw Error(ErrorKind::too_large, "it has more than 2^26 weights, or more than 4096 biases");
    }
    const ClientSpec spec = client_spec_from_wire(wire.client_spec());
    CompiledModel model(spec, {wire.weights().begin(), wire.weights().end()},
                        {wire.bias().begin(), wire.bias().end()});
    if (model.spec_.bound != spec.bound || model.spec_.weight_bits != spec.weight_bits ||
        model.spec_.model_id != spec.model_id) {
      throw Error(ErrorKind::damaged, "its certificate or model id does not agree with its weights");
    }
    return model;
  });
}

}  // namespace opaline
