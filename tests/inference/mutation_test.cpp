// Whole messages with one thing changed and every checksum made right again: refused for the right reason, or
// answered rightly for what they say then. Never a wrong answer to what was asked.

#include <messages.pb.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <set>
#include <string>

#include "inference/field_changes.h"
#include "inference/parties.h"
#include "opaline/paillier/key_proof.h"
#include "support/error_kind.h"

using namespace opaline;
using namespace opaline::test;

namespace {

using Answers = std::vector<std::vector<std::int64_t>>;
using Kinds = std::set<ErrorKind>;

constexpr ErrorKind kDamaged = ErrorKind::damaged;
constexpr ErrorKind kTooLarge = ErrorKind::too_large;
constexpr ErrorKind kMisfit = ErrorKind::does_not_fit;

// Why a message with this field changed may be refused, by either side. A field that is not here is a
// failure: whoever adds one says what a change of it comes to.
const std::map<std::string, Kinds> kRefusals = {
    {"QueryHeader.n",
     {kDamaged, ErrorKind::invalid_key, ErrorKind::invalid_ciphertext, ErrorKind::wrong_key}},
    {"QueryHeader.model_id", {kDamaged, ErrorKind::wrong_model}},
    {"QueryHeader.layout", {kDamaged}},
    {"QueryHeader.images", {kDamaged, kTooLarge}},
    {"QueryHeader.nonce", {kDamaged}},
    {"QueryHeader.key_proof", {kDamaged, ErrorKind::invalid_key}},
    {"ReplyHeader.key_id", {kDamaged, ErrorKind::wrong_key}},
    {"ReplyHeader.model_id", {kDamaged, ErrorKind::wrong_model}},
    {"ReplyHeader.layout", {kDamaged}},
    {"ReplyHeader.images", {kDamaged, kTooLarge}},
    {"ReplyHeader.nonce", {kDamaged}},
    {"Layout.features", {kDamaged, kTooLarge, kMisfit, ErrorKind::corrupt_reply}},
    {"Layout.outputs", {kDamaged, kTooLarge, kMisfit, ErrorKind::corrupt_reply}},
    {"Layout.outputs_a_slot", {kDamaged, kMisfit, ErrorKind::corrupt_reply}},
    {"Layout.images", {kDamaged, kMisfit, ErrorKind::corrupt_reply}},
    {"Layout.slot_bits", {kDamaged, kMisfit}},
    {"Chunk.index", {kDamaged}},
    {"Chunk.ciphertexts", {kDamaged, kTooLarge, ErrorKind::invalid_ciphertext, ErrorKind::corrupt_reply}}};

std::string short_name(const std::string& field) {
  return field.substr(field.find('.', field.find('.') + 1) + 1);
}

/// Whether the key of a query carries its proof.
enum class Proof { none, carried };

QueryEncryptor client_of_alice(const ClientSpec& spec, Proof proof) {
  if (proof == Proof::none) return encryptor_for(spec, alice());
  return {spec, Encryptor(alice().public_key().with_proof(make_key_proof(alice())))};
}

// A client, a server, and what they say to each other in one of the packings.
class Exchange {
 public:
  explicit Exchange(Packing packing, Proof proof = Proof::none)
      : model(make_model(4, 4, {1, -2, 3, 4, 0, 5, -6, 7, -7, 0, 2, -1}, {5, -50, 500})),
        spec(model.client_spec()),
        server(model),
        client(decryptor_for(spec, alice())),
        inputs(make_inputs(spec, 3)),
        answers(predict(model, inputs)),
        query(client_of_alice(spec, proof).encrypt(inputs, layout_for(spec, packing, 2))),
        reply(server.answer(query)) {}

  Answers ask(ByteView changed) const { return client.decrypt(server.answer(changed)); }
  Answers read(ByteView changed) const { return client.decrypt(changed); }

  /// Changed inputs in the same places, for packings of one number a ciphertext.
  Answers answers_with(std::size_t image, std::size_t place, std::int64_t value) const {
    std::vector<EncodedInput> others = inputs;
    others[image][place] = value;
    return predict(model, others);
  }

  CompiledModel model;
  ClientSpec spec;
  Server server;
  ReplyDecryptor client;
  std::vector<EncodedInput> inputs;
  Answers answers;
  Bytes query;
  Bytes reply;
};

// How a changed message ended.
struct Ending {
  std::optional<Error> refusal;
  Answers answers;
};

template <typename Action>
Ending ending_of(const Action& action) {
  Ending ending;
  ending.refusal = error_of([&] { ending.answers = action(); });
  return ending;
}

std::string text(const Ending& ending) {
  return ending.refusal ? ending.refusal->what() : std::to_string(ending.answers.size()) + " answers";
}

// The message with the frame number `place` around another payload; chunks belong to their header again.
Bytes resealed(const std::vector<Bytes>& frames, std::size_t place, const std::string& payload) {
  std::vector<Bytes> changed = frames;
  changed[place] = with_payload(frames[place], as_bytes(payload));
  const Digest header = sha256(changed[0]);
  for (std::size_t i = 1; i < frames.size(); ++i) {
    changed[i] = with_payload(changed[i], payload_of(changed[i]), header);
  }
  return join(changed);
}

Bytes without_proof(const Bytes& query) {
  const std::vector<Bytes> frames = frames_of(query);
  const Bytes bytes = payload_of(frames[0]);
  inference::QueryHeader header;
  REQUIRE(header.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  header.clear_key_proof();
  return resealed(frames, 0, header.SerializeAsString());
}

/// How often changes of each field were refused.
using Refused = std::map<std::string, std::size_t>;

template <typename Payload>
Refused check_fields(const Exchange& exchange, const Bytes& message, std::size_t place,
                     Answers (Exchange::*use)(ByteView) const) {
  const std::vector<Bytes> frames = frames_of(message);
  const Bytes bytes = payload_of(frames[place]);
  Payload payload;
  REQUIRE(payload.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
  const Answers zero = predict(exchange.model, {EncodedInput(exchange.spec.inputs, 0)});
  std::size_t changes = 0;
  Refused refused;
  for_every_field_change(payload, [&](const std::string& full_name) {
    const std::string name = short_name(full_name);
    const auto ending =
        ending_of([&] { return (exchange.*use)(resealed(frames, place, payload.SerializeAsString())); });
    ++changes;
    CAPTURE(name, payload.ShortDebugString(), text(ending));
    if (ending.refusal) {
      ++refused[name];
      REQUIRE(kRefusals.count(name) == 1);
      CHECK(kRefusals.at(name).count(ending.refusal->kind()) == 1);
      return;
    }
    // It may say that there are fewer images, or more: where nothing was packed, there is a zero.
    for (std::size_t i = 0; i < ending.answers.size(); ++i) {
      CHECK(ending.answers[i] == (i < exchange.answers.size() ? exchange.answers[i] : zero[0]));
    }
  });
  CHECK(changes > 10);
  return refused;
}

Bytes with_ciphertext(const Bytes& ciphertexts, std::size_t place, const Integer& number) {
  const std::size_t width = alice().public_key().ciphertext_bytes();
  const Bytes one = to_bytes(number, width);
  Bytes changed = ciphertexts;
  std::copy(one.begin(), one.end(), changed.begin() + static_cast<std::ptrdiff_t>(place * width));
  return changed;
}

Integer ciphertext_at(const Bytes& ciphertexts, std::size_t place) {
  const std::size_t width = alice().public_key().ciphertext_bytes();
  return from_bytes(ByteView(ciphertexts).subspan(place * width, width));
}

// A message with one ciphertext of one chunk replaced.
template <typename Open>
Bytes replaced(const Open& open, std::size_t chunk, std::size_t place, const Integer& number) {
  Open changed = open;
  changed.chunks[chunk] = with_ciphertext(open.chunks[chunk], place, number);
  return close(changed);
}

std::vector<Integer> no_units() {
  const Integer& n = alice().public_key().n();
  return {0, n, n * n - n, alice().p().value(), alice().q().value() * alice().q().value(), n * n, n * n + 1};
}

}  // namespace

TEST_CASE("a query with any field changed is refused or answered rightly") {
  for (const Packing packing : kPackings) {
    const Exchange exchange(packing);
    REQUIRE(exchange.ask(exchange.query) == exchange.answers);
    check_fields<inference::QueryHeader>(exchange, exchange.query, 0, &Exchange::ask);
    check_fields<inference::Chunk>(exchange, exchange.query, 1, &Exchange::ask);
    check_fields<inference::Chunk>(exchange, exchange.query, frames_of(exchange.query).size() - 1,
                                   &Exchange::ask);
  }
}

TEST_CASE("a query whose key carries its proof, with any field changed, is refused or answered rightly") {
  const Exchange exchange(Packing::batch, Proof::carried);
  REQUIRE(open_query(exchange.query, exchange.spec).header.key.proof() != nullptr);
  REQUIRE(exchange.ask(exchange.query) == exchange.answers);
  Refused refused = check_fields<inference::QueryHeader>(exchange, exchange.query, 0, &Exchange::ask);
  // All but leaving it out: a key has one proof.
  CHECK(refused["QueryHeader.key_proof"] > 10);
  CHECK(exchange.ask(without_proof(exchange.query)) == exchange.answers);
  check_fields<inference::Chunk>(exchange, exchange.query, 1, &Exchange::ask);
}

TEST_CASE("a reply with any field changed is refused or read rightly") {
  for (const Packing packing : kPackings) {
    const Exchange exchange(packing);
    REQUIRE(exchange.read(exchange.reply) == exchange.answers);
    check_fields<inference::ReplyHeader>(exchange, exchange.reply, 0, &Exchange::read);
    check_fields<inference::Chunk>(exchange, exchange.reply, 1, &Exchange::read);
    check_fields<inference::Chunk>(exchange, exchange.reply, frames_of(exchange.reply).size() - 1,
                                   &Exchange::read);
  }
}

TEST_CASE("every field of every message has been thought of") {
  for (const auto* message : {inference::QueryHeader::descriptor(), inference::ReplyHeader::descriptor(),
                              inference::Layout::descriptor(), inference::Chunk::descriptor()}) {
    for (int i = 0; i < message->field_count(); ++i) {
      CHECK(kRefusals.count(short_name(message->field(i)->full_name())) == 1);
    }
  }
}

TEST_CASE("each ciphertext of a query can be replaced by what is no unit, and is refused") {
  for (const Packing packing : kPackings) {
    const Exchange exchange(packing);
    const OpenQuery query = open_query(exchange.query, exchange.spec);
    const std::size_t count = query.chunks[0].size() / alice().public_key().ciphertext_bytes();
    for (std::size_t chunk = 0; chunk < query.chunks.size(); ++chunk) {
      for (std::size_t place = 0; place < count; ++place) {
        for (const Integer& number : no_units()) {
          const Ending ending =
              ending_of([&] { return exchange.ask(replaced(query, chunk, place, number)); });
          CAPTURE(chunk, place, number, text(ending));
          REQUIRE(ending.refusal);
          CHECK(ending.refusal->kind() == ErrorKind::invalid_ciphertext);
        }
      }
    }
  }
}

// Paillier is malleable: who makes the checksums right again has made another query. Its answers are exactly
// those to what it says; the message is damaged where the checksums are left as they were.
TEST_CASE("each ciphertext of a query replaced by another unit asks what that unit says") {
  const Exchange exchange(Packing::plain);
  const OpenQuery query = open_query(exchange.query, exchange.spec);
  const Integer& n = alice().public_key().n();
  const Integer n2 = n * n;
  const Encryptor anybody(alice().public_key());
  for (std::size_t image = 0; image < exchange.inputs.size(); ++image) {
    for (std::size_t place = 0; place < exchange.spec.inputs; ++place) {
      CAPTURE(image, place);
      const std::int64_t value = exchange.inputs[image][place];
      const Integer old = ciphertext_at(query.chunks[image], place);
      const auto ask = [&](const Integer& number) {
        return exchange.ask(replaced(query, image, place, number));
      };
      const auto says = [&](std::int64_t other) { return exchange.answers_with(image, place, other); };
      // The same number, encrypted anew.
      CHECK(ask(anybody.encrypt(value).value()) == exchange.answers);
      // The same with other noise: −1 is an n-th power.
      CHECK(ask(n2 - old) == exchange.answers);
      CHECK(ask(1) == says(0));
      CHECK(ask(n2 - 1) == says(0));
      CHECK(ask(n + 1) == says(1));
      CHECK(ask(old * (1 + (9 - value) * n + n2) % n2) == says(9));
      const std::size_t next = (place + 1) % exchange.spec.inputs;
      CHECK(ask(ciphertext_at(query.chunks[image], next)) == says(exchange.inputs[image][next]));
      // A unit that says anything at all: the certificate finds the answer impossible.
      const Ending ending = ending_of([&] { return ask(old ^ 2); });
      CAPTURE(text(ending));
      REQUIRE(ending.refusal);
      CHECK(ending.refusal->kind() == ErrorKind::corrupt_reply);
    }
  }
}

TEST_CASE("two ciphertexts exchanged are another query, or damage") {
  const Exchange exchange(Packing::plain);
  const OpenQuery query = open_query(exchange.query, exchange.spec);
  const auto exchanged = [&](std::size_t a, std::size_t b) {
    OpenQuery changed = query;
    changed.chunks[1] = with_ciphertext(query.chunks[1], a, ciphertext_at(query.chunks[1], b));
    changed.chunks[1] = with_ciphertext(changed.chunks[1], b, ciphertext_at(query.chunks[1], a));
    return changed;
  };
  std::vector<EncodedInput> inputs = exchange.inputs;
  std::swap(inputs[1][0], inputs[1][2]);
  CHECK(exchange.ask(close(exchanged(0, 2))) == predict(exchange.model, inputs));

  const std::size_t width = alice().public_key().ciphertext_bytes();
  std::vector<Bytes> frames = frames_of(exchange.query);
  const auto ciphertexts = frames[2].end() - static_cast<std::ptrdiff_t>(sizeof(Digest) + 4 * width);
  std::swap_ranges(ciphertexts, ciphertexts + static_cast<std::ptrdiff_t>(width),
                   ciphertexts + static_cast<std::ptrdiff_t>(2 * width));
  const Ending ending = ending_of([&] { return exchange.ask(join(frames)); });
  REQUIRE(ending.refusal);
  CHECK(ending.refusal->kind() == ErrorKind::damaged);
}

TEST_CASE("each ciphertext of a reply replaced is refused") {
  for (const Packing packing : kPackings) {
    const Exchange exchange(packing);
    const PublicKey& key = alice().public_key();
    const OpenReply reply = open_reply(exchange.reply, exchange.spec, key);
    const std::size_t count = reply.chunks[0].size() / key.ciphertext_bytes();
    for (std::size_t chunk = 0; chunk < reply.chunks.size(); ++chunk) {
      for (std::size_t place = 0; place < count; ++place) {
        const Integer old = ciphertext_at(reply.chunks[chunk], place);
        const auto refusal = [&](const Integer& number) -> std::optional<ErrorKind> {
          const Ending ending =
              ending_of([&] { return exchange.read(replaced(reply, chunk, place, number)); });
          if (!ending.refusal) return std::nullopt;
          return ending.refusal->kind();
        };
        CAPTURE(chunk, place);
        for (const Integer& number : no_units()) CHECK(refusal(number) == ErrorKind::invalid_ciphertext);
        CHECK(refusal(old ^ 2) == ErrorKind::corrupt_reply);
        CHECK(refusal(Encryptor(key).encrypt(-1).value()) == ErrorKind::corrupt_reply);
        CHECK(refusal(Encryptor(key).encrypt(key.n() / 2).value()) == ErrorKind::corrupt_reply);
      }
    }
  }
}
