#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "opaline/inference/message.h"
#include "opaline/model/compiled_model.h"
#include "opaline/packing/slot_layout.h"
#include "opaline/paillier/decryptor.h"
#include "opaline/paillier/encryptor.h"

namespace opaline {

/// The integers of one input, `spec.inputs` of them in [0, spec.encoding.maximum()]
/// (ClientSpec::encode_pixels).
using EncodedInput = std::vector<std::int64_t>;

/// Gives input number i. Asked for one after the other.
using InputSource = std::function<EncodedInput(std::size_t)>;

/// A source of `count` inputs that encodes a thousand ahead on all threads: `encode` is called by several at
/// once.
InputSource encoding_ahead(std::size_t count, InputSource encode);

/// Turns inputs into queries. With a public key or a secret one: the Encryptor decides.
class QueryEncryptor {
 public:
  QueryEncryptor(ClientSpec spec, Encryptor encryptor);

  const ClientSpec& spec() const { return spec_; }
  const Encryptor& encryptor() const { return encryptor_; }

  /// The layout of one value a ciphertext, and that of as many images side by side as fit and there are. A
  /// Planner knows better ones.
  LayoutShape plain() const;
  LayoutShape batch(std::size_t images) const;

  /// The header of a new query for that many images. Error(does_not_fit) for a layout that is not safe.
  QueryHeader header(std::size_t images, const LayoutShape& layout) const;

  /// Writes the chunks first_chunk … header.chunks() − 1 of inputs 0 … header.images − 1, without the header.
  /// Error(out_of_range) names the input and its value.
  void encrypt(const QueryHeader& header, std::size_t first_chunk, const InputSource& input,
               const ByteSink& out, const ImageProgress& progress) const;

  /// The whole query in memory.
  Bytes encrypt(const std::vector<EncodedInput>& inputs, const LayoutShape& layout) const;
  Bytes encrypt(const std::vector<EncodedInput>& inputs) const {
    return encrypt(inputs, batch(inputs.size()));
  }

 private:
  ClientSpec spec_;
  Encryptor encryptor_;
};

/// The most bytes that a reply to such a query can have, which is at most a few dozen a chunk above what it
/// has. Error(does_not_fit) for a layout that is not safe.
std::uint64_t most_reply_bytes(const QueryHeader& query, const ClientSpec& spec);

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
