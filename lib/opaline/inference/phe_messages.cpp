#include "opaline/inference/phe_messages.h"

#include "opaline/base/error.h"
#include "opaline/base/random.h"
#include "opaline/inference/ciphertext_bytes.h"
#include "opaline/inference/spec_certificate.h"
#include "opaline/paillier/ciphertext.h"
#include "opaline/paillier/named_errors.h"

namespace opaline {
namespace {

// How a message names its model.
Digest model_id_of(const QueryHeader& /*header*/, const ClientSpec& spec) { return spec.model_id; }
ShortId model_id_of(const ReplyHeader& /*header*/, const ClientSpec& spec) { return short_id(spec.model_id); }

template <typename Header>
void require_plain(const Header& header, const ClientSpec& spec, std::size_t key_bits,
                   const std::string& name) {
  if (header.model_id != model_id_of(header, spec)) {
    throw Error(ErrorKind::wrong_model, name + ": made for another model; use that model's client file");
  }
  if (header.layout == SlotLayout::plain(certificate_of(spec), key_bits).shape()) return;
  throw Error(ErrorKind::does_not_fit,
              name + ": its ciphertexts hold several numbers each; encrypt with --layout plain");
}

void append(std::vector<PheNumber>& numbers, std::span<const Ciphertext> ciphertexts) {
  for (const Ciphertext& ciphertext : ciphertexts) numbers.push_back({ciphertext, 0});
}

}  // namespace

std::vector<PheNumber> numbers_of_query(FrameReader& query, const ClientSpec& spec) {
  const QueryHeader header = read_query_header(query);
  require_plain(header, spec, header.key.bits(), query.name());
  std::vector<PheNumber> numbers;
  for (std::size_t i = 0; i < header.chunks(); ++i) {
    const Bytes bytes = read_chunk(query, ChunkKind::query, message_digest(header), i,
                                   spec.sent() * header.key.ciphertext_bytes());
    append(numbers, with_name(query.name(), [&] { return parse_ciphertexts(header.key, bytes); }));
  }
  query.expect_end();
  return numbers;
}

std::vector<PheNumber> numbers_of_reply(FrameReader& reply, const ClientSpec& spec,
                                        const Evaluator& evaluator) {
  const PublicKey& key = evaluator.public_key();
  const ReplyHeader header = read_reply_header(reply);
  if (header.key_id != short_id(key.fingerprint())) {
    throw Error(ErrorKind::wrong_key, reply.name() + ": made for another key; use the one of the query");
  }
  require_plain(header, spec, key.bits(), reply.name());
  std::vector<PheNumber> numbers;
  for (std::size_t i = 0; i < header.chunks(); ++i) {
    const Bytes bytes =
        read_chunk(reply, ChunkKind::reply, message_digest(header), i, spec.outputs * key.ciphertext_bytes());
    const auto biased = with_name(reply.name(), [&] { return parse_ciphertexts(key, bytes); });
    std::vector<EvaluatedCiphertext> answers;
    for (const Ciphertext& one : biased) answers.push_back(evaluator.add_constant(one, -Integer(spec.bound)));
    append(numbers, evaluator.rerandomise(answers));
  }
  reply.expect_end();
  return numbers;
}

Bytes query_of_numbers(const ClientSpec& spec, std::span<const PheNumber> numbers,
                       const Evaluator& evaluator) {
  const PublicKey& key = evaluator.public_key();
  const std::size_t images = numbers.size() / spec.sent();
  if (images == 0 || images > kLargestQuery || numbers.size() % spec.sent() != 0) {
    throw Error(ErrorKind::invalid_argument, std::to_string(numbers.size()) + " numbers; the model takes " +
                                                 std::to_string(spec.sent()) + " an input");
  }
  std::vector<Ciphertext> inputs;
  for (const auto& [ciphertext, exponent] : numbers) {
    if (exponent < 0) {
      throw Error(ErrorKind::out_of_range,
                  "number " + std::to_string(inputs.size()) +
                      " has a fraction (e = " + std::to_string(exponent) +
                      "), which only the secret key can remove: give NAME.key, or encrypt whole numbers");
    }
    if (exponent == 0) {
      inputs.push_back(ciphertext);
    } else {
      const Integer factor = Integer(1) << (4 * static_cast<unsigned>(exponent));
      inputs.push_back(evaluator.rerandomise(evaluator.multiply_vartime(ciphertext, factor)));
    }
  }
  QueryHeader header{
      key, spec.model_id, SlotLayout::plain(certificate_of(spec), key.bits()).shape(), images, {}};
  fill_random(header.nonce);
  Bytes query = to_frame(header);
  const Digest digest = message_digest(header);
  for (std::size_t i = 0; i < images; ++i) {
    const auto of_image = std::span(inputs).subspan(i * spec.sent(), spec.sent());
    const Bytes frame = chunk_frame(ChunkKind::query, digest, i, ciphertext_bytes(of_image));
    query.insert(query.end(), frame.begin(), frame.end());
  }
  return query;
}

}  // namespace opaline
