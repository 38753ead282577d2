// Well-formed messages around numbers that are no ciphertexts, or whose plaintexts no honest server sends.

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "inference/parties.h"
#include "support/error_kind.h"

using namespace opaline;
using namespace opaline::test;

namespace {

Bytes replaced(const Bytes& ciphertexts, std::size_t place, const Integer& number) {
  const std::size_t width = alice().public_key().ciphertext_bytes();
  const Bytes bytes = to_bytes(number, width);
  Bytes changed = ciphertexts;
  std::copy(bytes.begin(), bytes.end(), changed.begin() + static_cast<std::ptrdiff_t>(place * width));
  return changed;
}

std::vector<Integer> no_ciphertexts() {
  const Integer n = alice().public_key().n();
  const Integer n2 = n * n;
  const Integer& p = alice().p().value();
  const Integer& q = alice().q().value();
  const Integer all_ones = (Integer(1) << (8 * alice().public_key().ciphertext_bytes())) - 1;
  return {0, n, n2, n2 + 1, n2 - n, n2 - p, p, q, 2 * p, p * p, 12345 * q, n * 3, p * p * q, all_ones};
}

std::string text(const std::optional<Error>& error) { return error ? error->what() : "no error"; }

}  // namespace

TEST_CASE("numbers that are no ciphertexts are refused by the server") {
  const CompiledModel model = small_model();
  const ClientSpec& spec = model.client_spec();
  const OpenQuery query = open_query(encryptor_for(spec, alice()).encrypt(make_inputs(spec, 2)), spec);
  const Server server(model);
  for (const Integer& number : no_ciphertexts()) {
    for (const std::size_t place : {std::size_t{0}, std::size_t{5}, spec.inputs - 1}) {
      OpenQuery changed = query;
      changed.chunks[0] = replaced(query.chunks[0], place, number);
      const auto error = error_of([&] { server.answer(close(changed)); });
      CAPTURE(number, place, text(error));
      REQUIRE(error);
      CHECK(error->kind() == ErrorKind::invalid_ciphertext);
      CHECK(text(error).rfind("query: ", 0) == 0);
    }
  }
}

TEST_CASE("numbers that are no ciphertexts are refused by the client") {
  const CompiledModel model = small_model();
  const ClientSpec& spec = model.client_spec();
  const Bytes reply_bytes = Server(model).answer(encryptor_for(spec, alice()).encrypt(make_inputs(spec, 2)));
  const OpenReply reply = open_reply(reply_bytes, spec, alice().public_key());
  const ReplyDecryptor client = decryptor_for(spec, alice());
  for (const Integer& number : no_ciphertexts()) {
    for (std::size_t place = 0; place < spec.outputs; ++place) {
      OpenReply changed = reply;
      changed.chunks[0] = replaced(reply.chunks[0], place, number);
      const auto error = error_of([&] { client.decrypt(close(changed)); });
      CAPTURE(number, place, text(error));
      REQUIRE(error);
      CHECK(error->kind() == ErrorKind::invalid_ciphertext);
      CHECK(text(error).rfind("reply: ", 0) == 0);
    }
  }
}

TEST_CASE("a reply that decrypts to a value outside the certificate is corrupt") {
  const CompiledModel model = small_model();
  const ClientSpec& spec = model.client_spec();
  const Bytes reply_bytes = Server(model).answer(encryptor_for(spec, alice()).encrypt(make_inputs(spec, 2)));
  const OpenReply reply = open_reply(reply_bytes, spec, alice().public_key());
  const SlotLayout layout(reply.header.layout, certificate_of(spec), kSmallestKeyBits);
  const Encryptor forger(alice().public_key());
  const ReplyDecryptor client = decryptor_for(spec, alice());
  const auto decrypt = [&](const Integer& plaintext) {
    OpenReply changed = reply;
    changed.chunks[0] = replaced(reply.chunks[0], 1, forger.encrypt(plaintext).value());
    return client.decrypt(close(changed));
  };
  const auto is_corrupt = [&](const Integer& plaintext) {
    const auto error = error_of([&] { decrypt(plaintext); });
    CHECK(text(error).rfind("reply: ", 0) == 0);
    return error && error->kind() == ErrorKind::corrupt_reply;
  };

  const Integer second_slot = Integer(1) << layout.shape().slot_bits;
  const Integer middle = spec.bound + second_slot * spec.bound;  // both answers are 0
  const std::vector<std::vector<std::int64_t>> forged =
      decrypt(middle + spec.bound - second_slot * spec.bound);
  CHECK(forged[0][1] == spec.bound);  // at the border the certificate has nothing to say
  CHECK(forged[1][1] == -spec.bound);
  CHECK(is_corrupt(middle + spec.bound + 1));
  CHECK(is_corrupt(middle - spec.bound - 1));
  CHECK(is_corrupt(middle + second_slot * (spec.bound + 1)));
  CHECK(is_corrupt(middle - second_slot * (spec.bound + 1)));
  CHECK(is_corrupt(middle + second_slot * second_slot));
  CHECK(is_corrupt(-1));
  CHECK(is_corrupt(-middle));
  CHECK(is_corrupt(alice().public_key().n() / 2));
}
