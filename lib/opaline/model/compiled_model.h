#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "opaline/base/bytes.h"
#include "opaline/base/sha256.h"
#include "opaline/model/onnx_network.h"

namespace opaline {

/// Largest files accepted, in bytes. The largest model a CompiledModel can hold takes about 257 MiB.
inline constexpr std::size_t kClientFileLimit = std::size_t{8} << 20;
inline constexpr std::size_t kServerFileLimit = std::size_t{512} << 20;

/// How an 8-bit pixel becomes a network input: (pixel · scale − mean) / deviation.
struct PixelScaling {
  double scale = 1.0 / 255.0;
  double mean = 0.0;
  double deviation = 1.0;  ///< > 0

  double operator()(std::uint8_t pixel) const { return (pixel * scale - mean) / deviation; }
};

/// How a network input in [lowest, highest] becomes an integer in [0, 2^bits − 1]:
/// q = round((x − lowest) · (2^bits − 1) / (highest − lowest)).
struct InputEncoding {
  double lowest = 0.0;
  double highest = 1.0;  ///< > lowest
  unsigned bits = 8;     ///< 1 … 16

  std::int64_t maximum() const { return (std::int64_t{1} << bits) - 1; }

  /// Throws Error(out_of_range) for a value outside [lowest, highest] (beyond rounding) or not finite: never
  /// clipped in silence.
  std::int64_t encode(double x) const;
};

/// What a client has to know of a model: everything but the weights.
struct ClientSpec {
  Digest model_id{};  ///< SHA-256 over the model's integers and encodings
  std::string name;
  std::vector<std::size_t> input_shape;  ///< without the batch dimension; 1 to 8 dimensions
  std::size_t inputs = 0;                ///< product of input_shape
  std::size_t outputs = 0;
  PixelScaling pixels;
  InputEncoding encoding;
  std::vector<std::string> labels;  ///< one a class; plain UTF-8 of 1 to 256 bytes, as the name
  OutputActivation activation = OutputActivation::none;
  double output_scale = 1.0;  ///< logit = integer · output_scale
  std::int64_t bound = 0;     ///< certificate: every answer lies in [−bound, bound]
  unsigned weight_bits = 2;   ///< sign included: every |weight| < 2^(weight_bits−1); 2 … 24
  unsigned mask_bits = 40;    ///< σ: replies hide sums that are not answers up to 2^−σ; 0 … 128

  /// Inputs without any weight that need not be sent, in ascending order; not all of them. Everybody who
  /// reads the spec learns that the model does not look at these.
  std::vector<std::uint32_t> unused;

  std::size_t sent() const { return inputs - unused.size(); }

  /// Of all values of an input those that are sent.
  template <typename Value>
  std::vector<Value> without_unused(std::span<const Value> values) const {
    std::vector<Value> kept;
    kept.reserve(sent());
    std::size_t skipped = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (skipped < unused.size() && unused[skipped] == i) {
        ++skipped;
      } else {
        kept.push_back(values[i]);
      }
    }
    return kept;
  }

  /// One an output, but two for a single output with a sigmoid.
  std::size_t classes() const {
    return outputs == 1 && activation == OutputActivation::sigmoid ? 2 : outputs;
  }

  /// The integers of one image: `inputs` pixels in, `inputs` integers out. Errors as InputEncoding::encode,
  /// and Error(invalid_argument) for a wrong number of pixels.
  std::vector<std::int64_t> encode_pixels(std::span<const std::uint8_t> image) const;

  /// Dequantised logits. Error(invalid_argument) unless there is one integer an output; so does classify.
  std::vector<double> scores(std::span<const std::int64_t> integers) const;

  /// The class: index of the largest answer, the first of equals; for one output with a sigmoid, 0 or 1.
  std::size_t classify(std::span<const std::int64_t> integers) const;

  /// The file NAME.client.
  Bytes serialise() const;

  /// Reads NAME.client, checking version, sizes, digest and ranges; `name` opens the error texts.
  static ClientSpec parse(ByteView file, const std::string& name);
};

/// y = W x + b in integers with the proof that no answer leaves [−bound, bound] (ClientSpec::bound) for any
/// input the encoding can produce. This is also the oracle every encrypted answer is compared with.
/// Immutable.
class CompiledModel {
 public:
  /// Sizes: at most 2^20 inputs, 4096 outputs, 2^26 weights; |weight| < 2^23, |bias| < 2^62.
  /// Computes the certificate and the model id; throws Error(does_not_fit) if the bound would reach 2^62.
  /// `spec`'s model_id, bound and weight_bits are filled in here. An unused input must have no weight.
  CompiledModel(ClientSpec spec, std::vector<std::int32_t> weights, std::vector<std::int64_t> bias);

  const ClientSpec& client_spec() const { return spec_; }
  std::span<const std::int32_t> weights() const { return weights_; }  ///< outputs × inputs, row by row
  std::span<const std::int64_t> bias() const { return bias_; }

  /// The weights of the inputs that are sent: outputs × spec.sent(), row by row.
  std::vector<std::int32_t> sent_weights() const;

  /// The same map for a client that does not send inputs without a weight; all but one if none has any.
  CompiledModel dropping_unused() const;

  /// W x + b, exactly. Error(out_of_range) unless every input lies in [0, encoding.maximum()].
  std::vector<std::int64_t> predict(std::span<const std::int64_t> inputs) const;

  /// The file NAME.server.
  Bytes serialise() const;

  /// Reads NAME.server; recomputes bound and model id and refuses a file whose own do not agree.
  static CompiledModel parse(ByteView file, const std::string& name);

 private:
  ClientSpec spec_;
  std::vector<std::int32_t> weights_;
  std::vector<std::int64_t> bias_;
};

}  // namespace opaline
