#include "examples/model_extraction.h"

#include <algorithm>
#include <bit>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/inference/ciphertext_bytes.h"
#include "opaline/inference/client.h"
#include "opaline/inference/spec_certificate.h"

namespace opaline::examples {
namespace {

/// What a message should not have more of; servers take 64 MiB.
constexpr std::size_t kMessageBytes = std::size_t{16} << 20;

/// Where the inputs that are sent stand among all; the others have no weight, as the spec says.
std::vector<std::size_t> sent_inputs(const ClientSpec& spec) {
  std::vector<std::size_t> all(spec.inputs);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  return spec.without_unused<std::size_t>(all);
}

Extraction empty_model(const ClientSpec& spec) {
  Extraction model;
  model.weights.resize(spec.outputs * spec.inputs);
  model.bias.resize(spec.outputs);
  return model;
}

Bytes ask_and_count(Extraction& model, const Ask& ask, const Bytes& query, std::size_t inputs) {
  Bytes reply = ask(query);
  model.inputs_asked += inputs;
  ++model.queries;
  model.bytes_up += query.size();
  model.bytes_down += reply.size();
  return reply;
}

/// How many inputs go into one message.
std::size_t inputs_a_message(const ClientSpec& spec, const PublicKey& key, std::size_t side_by_side) {
  return std::max<std::size_t>(1, kMessageBytes / (spec.sent() * key.ciphertext_bytes())) * side_by_side;
}

/// The lowest place of a weight in an answer: above b + bound, which is within [0, 2·bound].
unsigned answer_bits(const ClientSpec& spec) {
  return static_cast<unsigned>(std::bit_width(2 * static_cast<std::uint64_t>(spec.bound)));
}

/// The number in (−2^(bits−1), 2^(bits−1)) that x is mod 2^bits; x becomes what is above it.
std::int32_t take_weight(Integer& x, unsigned bits) {
  const Integer z = Integer(1) << bits;
  Integer weight = floor_mod(x, z);
  if (weight >= z / 2) weight -= z;
  x = (x - weight) / z;
  return static_cast<std::int32_t>(weight);
}

}  // namespace

Extraction extract_by_rules(const ClientSpec& spec, const SecretKey& key, const Ask& ask,
                            const Backend& backend) {
  const QueryEncryptor encryptor(spec, Encryptor(key, backend));
  const ReplyDecryptor decryptor(spec, Decryptor(key, backend));
  Extraction model = empty_model(spec);

  const std::vector<std::size_t> sent = sent_inputs(spec);
  const std::size_t together =
      inputs_a_message(spec, key.public_key(), encryptor.batch(sent.size() + 1).images);
  std::vector<std::vector<std::int64_t>> answers;
  for (std::size_t first = 0; first <= sent.size(); first += together) {
    std::vector<EncodedInput> inputs(std::min(together, sent.size() + 1 - first), EncodedInput(spec.inputs));
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      if (first + i > 0) inputs[i][sent[first + i - 1]] = 1;
    }
    const Bytes reply = ask_and_count(model, ask, encryptor.encrypt(inputs), inputs.size());
    for (auto& answer : decryptor.decrypt(reply)) answers.push_back(std::move(answer));
  }

  model.bias = answers.front();
  for (std::size_t i = 0; i < sent.size(); ++i) {
    for (std::size_t k = 0; k < spec.outputs; ++k) {
      model.weights[k * spec.inputs + sent[i]] =
          static_cast<std::int32_t>(answers[i + 1][k] - answers.front()[k]);
    }
  }
  return model;
}

std::size_t weights_a_large_input(const ClientSpec& spec, std::size_t key_bits) {
  const std::size_t room = key_bits - 2;  // below n/2 in magnitude
  return room < answer_bits(spec) ? 0 : (room - answer_bits(spec)) / spec.weight_bits;
}

Extraction extract_by_large_inputs(const ClientSpec& spec, const SecretKey& key, const Ask& ask,
                                   const Backend& backend) {
  const PublicKey& public_key = key.public_key();
  const QueryEncryptor encryptor(spec, Encryptor(key, backend));
  const Decryptor decryptor(key, backend);
  Extraction model = empty_model(spec);

  const std::vector<std::size_t> sent = sent_inputs(spec);
  const std::size_t weights = weights_a_large_input(spec, public_key.bits());
  if (weights == 0) throw Error(ErrorKind::does_not_fit, "an answer of this model has no room beside it");
  const std::size_t inputs = (sent.size() + weights - 1) / weights;
  const std::size_t together = inputs_a_message(spec, public_key, 1);
  for (std::size_t first = 0; first < inputs; first += together) {
    const QueryHeader header = encryptor.header(std::min(together, inputs - first), encryptor.plain());
    Bytes query = to_frame(header);
    for (std::size_t i = 0; i < header.images; ++i) {
      std::vector<Integer> plaintexts(sent.size());
      const std::size_t lowest = (first + i) * weights;
      for (std::size_t j = lowest; j < std::min(lowest + weights, sent.size()); ++j) {
        plaintexts[j] =
            Integer(1) << static_cast<unsigned>(answer_bits(spec) + (j - lowest) * spec.weight_bits);
      }
      const Bytes chunk = chunk_frame(ChunkKind::query, message_digest(header), i,
                                      ciphertext_bytes(encryptor.encryptor().encrypt(plaintexts)));
      query.insert(query.end(), chunk.begin(), chunk.end());
    }

    const Bytes reply = ask_and_count(model, ask, query, header.images);
    FrameReader reader(reply, "reply");
    const ReplyHeader replied = read_reply_header(reader);
    for (std::size_t i = 0; i < header.images; ++i) {
      const Bytes chunk = read_chunk(reader, ChunkKind::reply, message_digest(replied), i,
                                     spec.outputs * public_key.ciphertext_bytes());
      std::vector<Integer> answers = decryptor.decrypt(parse_ciphertexts(public_key, chunk));
      const std::size_t lowest = (first + i) * weights;
      for (std::size_t k = 0; k < spec.outputs; ++k) {
        const Integer z = Integer(1) << answer_bits(spec);
        const Integer biased = floor_mod(answers[k], z);
        model.bias[k] = static_cast<std::int64_t>(biased) - spec.bound;
        answers[k] = (answers[k] - biased) / z;
        for (std::size_t j = lowest; j < std::min(lowest + weights, sent.size()); ++j) {
          model.weights[k * spec.inputs + sent[j]] = take_weight(answers[k], spec.weight_bits);
        }
      }
    }
  }
  return model;
}

}  // namespace opaline::examples
