#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "opaline/inference/message.h"
#include "opaline/model/compiled_model.h"
#include "opaline/paillier/decryptor.h"
#include "opaline/paillier/encryptor.h"

namespace opaline {

/// How images share ciphertexts: one value a ciphertext, or one image a slot, as many as fit. `automatic` is
/// batch as soon as there are two images.
enum class LayoutChoice { automatic, plain, batch };

/// The integers of one input, `spec.inputs` of them in [0, spec.encoding.maximum()]
/// (ClientSpec::encode_pixels).
using EncodedInput = std::vector<std::int64_t>;

/// Gives input number i.
using InputSource = std::function<EncodedInput(std::size_t)>;

/// Turns inputs into queries. With a public key or a secret one: the Encryptor decides.
class QueryEncryptor {
 public:
  QueryEncryptor(ClientSpec spec, Encryptor encryptor);

  /// Writes a query for inputs 0 … images − 1, chunk by chunk. Error(out_of_range) names the input and its
  /// value.
  void encrypt(std::size_t images, const InputSource& input, LayoutChoice layout, const ByteSink& out,
               const ImageProgress& progress) const;

  /// The whole query in memory.
  Bytes encrypt(const std::vector<EncodedInput>& inputs, LayoutChoice layout = LayoutChoice::automatic) const;

 private:
  ClientSpec spec_;
  Encryptor encryptor_;
};

/// Turns replies into integers. Nothing derived from a decryption, errors included, may go back to the
/// server.
class ReplyDecryptor {
 public:
  ReplyDecryptor(ClientSpec spec, Decryptor decryptor);

  /// Hands out the `spec.outputs` integers of every input, in order. Error(wrong_key), Error(wrong_model),
  /// Error(corrupt_reply) and the reader's own.
  using AnswerSink = std::function<void(std::size_t, const std::vector<std::int64_t>&)>;
  void decrypt(FrameReader& reply, const AnswerSink& out, const ImageProgress& progress) const;

  /// The whole reply in memory: one vector of integers an input.
  std::vector<std::vector<std::int64_t>> decrypt(ByteView reply) const;

 private:
  ClientSpec spec_;
  Decryptor decryptor_;
};

}  // namespace opaline
