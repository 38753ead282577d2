#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "opaline/base/bytes.h"
#include "opaline/base/sha256.h"
#include "opaline/model/features/features.h"
#include "opaline/model/input_encoding.h"
#include "opaline/model/onnx_network.h"

namespace opaline {

/// Largest client file accepted, in bytes. The largest there can be takes about 22 MiB: 2^20 inputs, each
/// with a range of its own.
inline constexpr std::size_t kClientFileLimit = std::size_t{24} << 20;

/// Most named columns of a table.
inline constexpr std::size_t kMostColumns = std::size_t{1} << 16;

/// What the answers of a model are.
enum class Task {
  classification,  ///< logits of classes
  regression,      ///< quantities in the units of the target
};

/// What a client has to know of a model: everything but the weights.
struct ClientSpec {
  Digest model_id{};  ///< SHA-256 over the model's integers and encodings
  std::string name;
  std::vector<std::size_t> input_shape;  ///< without the batch dimension; 1 to 8 dimensions
  std::size_t inputs = 0;                ///< product of input_shape
  std::size_t outputs = 0;
  FeatureMap features =
      FeatureMap::none;              ///< what the client takes of an image first; gives `inputs` numbers
  PixelScaling pixels;               ///< of images whose pixels are the inputs
  std::vector<std::string> columns;  ///< a table's columns that are the inputs, one each; or none
  std::vector<std::string> answers;  ///< columns the model predicts, which a client's table may have
  InputEncoding encoding;
  Task task = Task::classification;
  std::vector<std::string> labels;  ///< one a class, or one an output of a regression; plain UTF-8 of 1 to
                                    ///< 256 bytes, as all names
  OutputActivation activation = OutputActivation::none;
  std::vector<double> output_scales = {1.0};  ///< one for all outputs, or one an output; 0 < scale ≤ 2^960
  std::int64_t output_offset = 0;  ///< logit = (integer + output_offset) · scale; |output_offset| < 2^62
  std::int64_t bound = 0;          ///< certificate: every answer lies in [−bound, bound]
  unsigned weight_bits = 2;        ///< sign included: every |weight| < 2^(weight_bits−1); 2 … 24
  unsigned mask_bits = 40;         ///< σ: replies hide sums that are not answers up to 2^−σ; 0 … 128

  /// Inputs without any weight that need not be sent, in ascending order; not all of them. Everybody who
  /// reads the spec learns that the model does not look at these.
  std::vector<std::uint32_t> unused;

  std::size_t sent() const { return inputs - unused.size(); }

  double output_scale(std::size_t output) const {
    return output_scales.size() == 1 ? output_scales.front() : output_scales[output];
  }

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

  /// One an output, but two for a single output with a sigmoid; of a classification.
  std::size_t classes() const {
    return outputs == 1 && activation == OutputActivation::sigmoid ? 2 : outputs;
  }

  /// How many pixels an image for this model has.
  std::size_t image_size() const {
    return features == FeatureMap::none ? inputs : kFeatureImageSide * kFeatureImageSide;
  }

  /// The network's inputs for an image: its scaled pixels, or its features. Error(invalid_argument) for a
  /// wrong number of pixels.
  std::vector<double> inputs_of(std::span<const std::uint8_t> image) const;

  /// The integers of the network's inputs. Errors as InputEncoding::encode, naming the input, and
  /// Error(invalid_argument) for a wrong number of them.
  std::vector<std::int64_t> encode(std::span<const double> values) const;

  /// The integers of one image: encode(inputs_of(image)).
  std::vector<std::int64_t> encode_pixels(std::span<const std::uint8_t> image) const;

  /// Dequantised logits or quantities. Error(invalid_argument) unless there is one integer an output; so do
  /// the next two.
  std::vector<double> scores(std::span<const std::int64_t> integers) const;

  /// The class: index of the largest score, the first of equals; for one output with a sigmoid, 0 or 1.
  /// Error(invalid_argument) for a regression.
  std::size_t classify(std::span<const std::int64_t> integers) const;

  /// One probability a class, by the last activation; empty if that is not a softmax or a sigmoid.
  std::vector<double> probabilities(std::span<const std::int64_t> integers) const;

  /// The file NAME.client.
  Bytes serialise() const;

  /// Reads NAME.client, checking version, sizes, digest and ranges; `name` opens the error texts.
  /// Error(too_large) for more texts than a spec can have, before they take memory.
  static ClientSpec parse(ByteView file, const std::string& name);
};

}  // namespace opaline
