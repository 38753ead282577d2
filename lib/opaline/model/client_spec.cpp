#include <compiled_model.pb.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/base/frame.h"
#include "opaline/model/client_spec_format.h"
#include "opaline/model/compiled_model.h"
#include "opaline/model/text.h"

namespace opaline {
namespace {

constexpr FrameKind kKind = {'C', 'L', 'N', 'T'};
constexpr std::uint32_t kVersion = 2;

constexpr std::size_t kLongestText = 256;
constexpr unsigned kMostBits = 16;
constexpr unsigned kMostWeightBits = 24;
constexpr unsigned kMostMaskBits = 128;

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

void check_encoding(const InputEncoding& encoding) {
  require(encoding.bits >= 1 && encoding.bits <= kMostBits, "an input has to have 1 to 16 bits");
  require(std::isfinite(encoding.lowest) && std::isfinite(encoding.highest) &&
              encoding.lowest < encoding.highest && std::isfinite(encoding.highest - encoding.lowest) &&
              std::isfinite(static_cast<double>(encoding.maximum()) / (encoding.highest - encoding.lowest)),
          "the input range has to go from a finite number to a larger one");
}

void check_text(const std::string& text, const char* what) {
  require(!text.empty() && text.size() <= kLongestText && is_plain_text(text), what);
}

void check_answers(const ClientSpec& spec, std::span<const std::int64_t> integers) {
  if (integers.size() != spec.outputs) {
    throw Error(ErrorKind::invalid_argument, "the model gives " + std::to_string(spec.outputs) +
                                                 " numbers an input, not " + std::to_string(integers.size()));
  }
}

}  // namespace

std::int64_t InputEncoding::encode(double x) const {
  // An input computed by another route than the range itself may miss a border by rounding.
  constexpr double kRounding = 1e-9;
  const double position = (x - lowest) / (highest - lowest);
  if (!(position >= -kRounding && position <= 1.0 + kRounding)) {
    throw Error(ErrorKind::out_of_range, "the input " + std::to_string(x) +
                                             " is outside the model's range [" + std::to_string(lowest) +
                                             ", " + std::to_string(highest) +
                                             "]; compile the model with --input-range for such inputs");
  }
  const auto largest = static_cast<double>(maximum());
  const double steps = (x - lowest) * largest / (highest - lowest);
  return static_cast<std::int64_t>(std::floor(std::clamp(steps, 0.0, largest) + 0.5));
}

std::vector<std::int64_t> ClientSpec::encode_pixels(std::span<const std::uint8_t> image) const {
  if (image.size() != inputs) {
    throw Error(ErrorKind::invalid_argument, "the model takes images of " + std::to_string(inputs) +
                                                 " pixels, this one has " + std::to_string(image.size()));
  }
  std::vector<std::int64_t> integers(image.size());
  std::transform(image.begin(), image.end(), integers.begin(),
                 [this](std::uint8_t pixel) { return encoding.encode(pixels(pixel)); });
  return integers;
}

std::vector<double> ClientSpec::scores(std::span<const std::int64_t> integers) const {
  check_answers(*this, integers);
  std::vector<double> logits(integers.size());
  std::transform(integers.begin(), integers.end(), logits.begin(),
                 [this](std::int64_t integer) { return static_cast<double>(integer) * output_scale; });
  return logits;
}

std::size_t ClientSpec::classify(std::span<const std::int64_t> integers) const {
  check_answers(*this, integers);
  if (classes() != outputs) return integers.front() > 0 ? 1 : 0;
  return static_cast<std::size_t>(std::max_element(integers.begin(), integers.end()) - integers.begin());
}

void check_client_spec(const ClientSpec& spec) {
  check_text(spec.name, "the model's name has to be plain UTF-8 of 1 to 256 bytes");
  require(checked_input_count(spec.input_shape) == spec.inputs,
          "the number of inputs does not fit their shape");
  require(spec.outputs >= 1 && spec.outputs <= kMostOutputs, "a model has to have 1 to 4096 outputs");
  require(spec.labels.size() == spec.classes(), "a model has to have one label a class");
  for (const std::string& label : spec.labels) {
    check_text(label, "every label has to be plain UTF-8 of 1 to 256 bytes");
  }
  require(std::isfinite(spec.pixels.scale) && std::isfinite(spec.pixels.mean) &&
              std::isfinite(spec.pixels.deviation) && spec.pixels.deviation > 0,
          "the pixel scaling has to be finite, its deviation above 0");
  check_encoding(spec.encoding);
  require(std::isfinite(spec.output_scale) && spec.output_scale > 0,
          "the output scale has to be finite and above 0");
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
  wire.mutable_encoding()->set_lowest(spec.encoding.lowest);
  wire.mutable_encoding()->set_highest(spec.encoding.highest);
  wire.mutable_encoding()->set_bits(spec.encoding.bits);
  for (const std::string& label : spec.labels) wire.add_labels(label);
  for (const auto& [activation, number] : kActivations) {
    if (activation == spec.activation) wire.set_activation(number);
  }
  wire.set_output_scale(spec.output_scale);
  wire.set_bound(static_cast<std::uint64_t>(spec.bound));
  wire.set_weight_bits(spec.weight_bits);
  wire.set_mask_bits(spec.mask_bits);
  wire.mutable_unused()->Add(spec.unused.begin(), spec.unused.end());
  return wire.SerializeAsString();
}

ClientSpec client_spec_from_wire(std::string_view bytes) {
  model::ClientSpec wire;
  if (bytes.size() > kClientFileLimit || !wire.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
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
  spec.encoding = {wire.encoding().lowest(), wire.encoding().highest(), wire.encoding().bits()};
  spec.labels.assign(wire.labels().begin(), wire.labels().end());
  const auto* activation = std::find_if(kActivations.begin(), kActivations.end(),
                                        [&](const auto& pair) { return pair.second == wire.activation(); });
  require(activation != kActivations.end(), "its output activation is unknown");
  spec.activation = activation->first;
  spec.output_scale = wire.output_scale();
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
