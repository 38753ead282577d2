// Messages that are whole but belong to another key, another model or another layout.

#include <catch2/catch.hpp>
#include <string>

#include "inference/parties.h"
#include "support/error_kind.h"

using namespace opaline;
using namespace opaline::test;

namespace {

struct Exchange {
  CompiledModel model = tiny_model();
  ClientSpec spec = model.client_spec();
  Server server{model};
  std::vector<EncodedInput> inputs = make_inputs(spec, 3);
  Bytes query = encryptor_for(spec, alice()).encrypt(inputs);
  Bytes reply = server.answer(query);
};

// The error opens with the message's name.
std::optional<ErrorKind> named_kind(const std::optional<Error>& error, const std::string& name) {
  if (!error) return std::nullopt;
  CAPTURE(error->what());
  CHECK(std::string(error->what()).rfind(name + ": ", 0) == 0);
  return error->kind();
}

std::optional<ErrorKind> answers_with(const Server& server, const Bytes& query) {
  return named_kind(error_of([&] { server.answer(query); }), "query");
}

std::optional<ErrorKind> decrypts_with(const ReplyDecryptor& client, const Bytes& reply) {
  return named_kind(error_of([&] { client.decrypt(reply); }), "reply");
}

}  // namespace

TEST_CASE("a query for another model is refused") {
  const Exchange exchange;
  const Server other(make_model(2, 4, {-3, 5}, {8}));
  CHECK(answers_with(other, exchange.query) == ErrorKind::wrong_model);
  CHECK_FALSE(answers_with(exchange.server, exchange.query));
}

TEST_CASE("a reply of another model is refused") {
  const Exchange exchange;
  const CompiledModel other = make_model(2, 4, {-3, 5}, {8});
  CHECK(decrypts_with(decryptor_for(other.client_spec(), alice()), exchange.reply) == ErrorKind::wrong_model);
}

TEST_CASE("a reply for another key is refused") {
  const Exchange exchange;
  CHECK(decrypts_with(decryptor_for(exchange.spec, bob()), exchange.reply) == ErrorKind::wrong_key);
}

TEST_CASE("ciphertexts cannot be put under another key") {
  const Exchange exchange;
  OpenQuery query = open_query(exchange.query, exchange.spec);
  query.header.key = bob().public_key();

  SECTION("with the chunks as they were") {
    std::vector<Bytes> frames = frames_of(exchange.query);
    frames[0] = to_frame(query.header);
    CHECK(answers_with(exchange.server, join(frames)) == ErrorKind::damaged);
  }
  SECTION("with chunks bound to the new header: the key's owner gets no answer out of them") {
    const auto outcome = kind_of([&] {
      const Bytes reply = exchange.server.answer(close(query));
      decryptor_for(exchange.spec, bob()).decrypt(reply);
    });
    CHECK((outcome == ErrorKind::invalid_ciphertext || outcome == ErrorKind::corrupt_reply));
  }
  SECTION("in a reply") {
    OpenReply reply = open_reply(exchange.reply, exchange.spec, alice().public_key());
    reply.header.key_id = short_id(bob().public_key().fingerprint());
    const auto outcome = decrypts_with(decryptor_for(exchange.spec, bob()), close(reply));
    CHECK((outcome == ErrorKind::invalid_ciphertext || outcome == ErrorKind::corrupt_reply));
  }
}

TEST_CASE("layouts without a certificate are refused") {
  const Exchange exchange;
  const OpenQuery query = open_query(exchange.query, exchange.spec);
  const OpenReply reply = open_reply(exchange.reply, exchange.spec, alice().public_key());
  const LayoutShape good = query.header.layout;
  const std::size_t most = SlotLayout::batch(certificate_of(exchange.spec), kSmallestKeyBits).images();
  const ReplyDecryptor client = decryptor_for(exchange.spec, alice());
  const auto answer = [&](LayoutShape shape) {
    OpenQuery changed = query;
    changed.header.layout = shape;
    return answers_with(exchange.server, close(changed));
  };
  const auto decrypt = [&](LayoutShape shape) {
    OpenReply changed = reply;
    changed.header.layout = shape;
    return decrypts_with(client, close(changed));
  };
  CHECK_FALSE(answer(good));
  CHECK_FALSE(decrypt(good));
  CHECK_FALSE(answer({1, 1, 1, most, good.slot_bits}));
  for (const unsigned bits : {1U, good.slot_bits - 1, good.slot_bits + 1}) {
    CHECK(answer({1, 1, 1, 3, bits}) == ErrorKind::does_not_fit);
    CHECK(decrypt({1, 1, 1, 3, bits}) == ErrorKind::does_not_fit);
  }
  const bool does_not_exist = (most + 1) * good.slot_bits > kSmallestKeyBits - 2;
  CHECK(answer({1, 1, 1, most + 1, good.slot_bits}) ==
        (does_not_exist ? ErrorKind::damaged : ErrorKind::does_not_fit));
  CHECK(decrypt({1, 1, 1, most + 1, good.slot_bits}) == ErrorKind::does_not_fit);
  CHECK(answer({1, 1, 1, most + 9, good.slot_bits}) == ErrorKind::damaged);  // more than the key holds
  // A slot that leaves no room for masks, more values or answers than the model has, slots in disorder.
  CHECK(answer({2, 1, 1, 1, good.slot_bits}) == ErrorKind::does_not_fit);
  CHECK(answer({exchange.spec.inputs + 1, 1, 1, 1, good.slot_bits}) == ErrorKind::does_not_fit);
  CHECK(answer({1, exchange.spec.outputs + 1, 1, 1, good.slot_bits}) == ErrorKind::does_not_fit);
  CHECK(answer({1, 1, 2, 1, good.slot_bits}) == ErrorKind::does_not_fit);
}
