#include <algorithm>
#include <optional>

#include "fuzz/fixed_key.h"
#include "fuzz/loose_frames.h"
#include "fuzz/sample_messages.h"
#include "fuzz/sample_models.h"
#include "fuzz/targets/targets.h"
#include "opaline/inference/server.h"
#include "opaline/inference/spec_certificate.h"
#include "opaline/paillier/ciphertext.h"
#include "support/packed_integers.h"

namespace opaline::fuzz {
namespace {

const Server& server() {
  static const Server server(sample_model());
  return server;
}

const ReplyDecryptor& client() {
  static const ReplyDecryptor client(sample_model().client_spec(), Decryptor(fixed_key()));
  return client;
}

std::vector<Bytes> seeds() {
  std::vector<Bytes> queries;
  for (const LayoutShape& layout : sample_layouts()) {
    queries.push_back(sample_query(layout, 1));
    queries.push_back(sample_query(layout, layout.images + 1));
  }
  queries.push_back(sample_query(sample_layouts().front(), 1, proved_key()));
  return queries;
}

// What stands in the plaintexts of a chunk: an input for every image that there is room for; nothing if
// an honest client cannot have made them.
std::optional<std::vector<EncodedInput>> inputs_in(const SlotLayout& layout,
                                                   const std::vector<Integer>& plaintexts) {
  const LayoutShape& shape = layout.shape();
  const Integer mask = (Integer(1) << shape.slot_bits) - 1;
  std::vector<EncodedInput> inputs(shape.images);
  for (std::size_t image = 0; image < shape.images; ++image) {
    for (std::size_t j = 0; j < layout.certificate().inputs; ++j) {
      const std::size_t slot = image * shape.slots_an_image() + j % shape.features;
      const Integer value =
          (plaintexts[j / shape.features] >> static_cast<unsigned>(slot * shape.slot_bits)) & mask;
      if (value > layout.certificate().input_maximum) return std::nullopt;
      inputs[image].push_back(static_cast<std::int64_t>(value));
    }
  }
  for (std::size_t i = 0; i < plaintexts.size(); ++i) {
    if (plaintexts[i] != test::pack_integer(layout, i, inputs)) return std::nullopt;
  }
  return inputs;
}

// All of a query's inputs, for who has the key; nothing if they are not an honest client's.
std::optional<std::vector<EncodedInput>> inputs_of(ByteView query) {
  FrameReader reader(query, "query");
  const QueryHeader header = read_query_header(reader);
  const SlotLayout layout(header.layout, certificate_of(sample_model().client_spec()), header.key.bits());
  std::vector<EncodedInput> inputs;
  for (std::size_t i = 0; i < header.chunks(); ++i) {
    const Bytes chunk = read_chunk(reader, ChunkKind::query, message_digest(header), i,
                                   layout.ciphertexts() * header.key.ciphertext_bytes());
    const auto some = inputs_in(layout, fixed_decryptor().decrypt(parse_ciphertexts(header.key, chunk)));
    if (!some) return std::nullopt;
    inputs.insert(inputs.end(), some->begin(), some->end());
  }
  inputs.resize(header.images);
  return inputs;
}

void check_answer(ByteView query, const Bytes& reply) {
  FrameReader reader(query, "query");
  const QueryHeader header = read_query_header(reader);
  const QuerySummary summary = server().examine(query, {});
  require(summary.key == header.key.fingerprint() && summary.images == header.images, "a head is summed up");
  if (header.key == fixed_key().public_key()) {
    const std::optional<std::vector<EncodedInput>> inputs = inputs_of(query);
    std::vector<std::vector<std::int64_t>> answers;
    const bool sound = accepted({ErrorKind::corrupt_reply}, [&] { answers = client().decrypt(reply); });
    if (!inputs) return;
    require(sound, "a sound query has a sound reply");
    require(answers.size() == inputs->size(), "there is an answer an image");
    for (std::size_t i = 0; i < answers.size(); ++i) {
      require(answers[i] == sample_model().predict((*inputs)[i]), "the answer is that of the model");
    }
  } else {
    require(!accepted({ErrorKind::wrong_key}, [&] { client().decrypt(reply); }), "the reply is another's");
  }
}

void run(ByteView input) {
  const std::initializer_list<ErrorKind> refusals = {
      ErrorKind::damaged,     ErrorKind::unsupported_version, ErrorKind::too_large,   ErrorKind::invalid_key,
      ErrorKind::wrong_model, ErrorKind::invalid_ciphertext,  ErrorKind::does_not_fit};
  Bytes reply;
  const bool answered = accepted(refusals, [&] { reply = server().answer(input); });
  const ByteView queries[] = {input};
  std::vector<Outcome<Bytes>> together = server().answer_together(queries);
  require(accepted(refusals, [&] { together.front().value(); }) == answered,
          "alone and together the same is answered");
  if (answered) check_answer(input, reply);
}

// A query as somebody makes it who knows the format and has the key.
Bytes forged(const Bytes& input, Mutator& mutator) {
  static const std::vector<LayoutShape> layouts = sample_layouts();
  FrameReader reader(input, "query");
  QueryHeader header = read_query_header(
      reader, [](const Integer& /*n*/, const KeyProof* /*proof*/) { return fixed_key().public_key(); });
  if (mutator.one_in(2)) header.key = proved_key().public_key();
  header.images = 1 + mutator.below(5);
  header.layout = mutator.one_of(layouts);
  if (mutator.one_in(4)) header.layout = changed(header.layout, mutator);
  std::vector<Integer> numbers;
  if (mutator.one_in(4)) {  // one of them what it should not be
    const std::size_t count = 1 + mutator.below(6);
    for (std::size_t i = 1; i < count; ++i) numbers.push_back(fixed_encryptor().encrypt(Integer(i)).value());
    numbers.push_back(mutator.one_of(telling_numbers()));
  } else {
    const auto bits = static_cast<unsigned>(mutator.below(200));
    for (std::size_t i = 0; i < 4; ++i) {
      const Integer plaintext = mutator.one_in(8) ? Integer(1) << bits : Integer(mutator.below(16));
      numbers.push_back(fixed_encryptor().encrypt(plaintext).value());
    }
  }
  return message_of(header, numbers);
}

Bytes mutate(Bytes input, std::size_t limit, Mutator& mutator) {
  return forge_or_mutate_frames(std::move(input), limit, mutator, forged);
}

}  // namespace

FuzzTarget query_target() { return {"query", seeds, run, mutate, 20}; }

}  // namespace opaline::fuzz
