// Queries of several clients answered together.

#include <algorithm>
#include <catch2/catch.hpp>
#include <set>
#include <stdexcept>
#include <vector>

#include "inference/parties.h"
#include "opaline/inference/lots.h"
#include "support/error_kind.h"
#include "support/supported_backends.h"
#include "support/threads.h"

using namespace opaline;
using namespace opaline::test;

namespace {

const SecretKey& carol() {
  static const SecretKey key = SecretKey::generate(2048);
  return key;
}

const SecretKey& dave() {
  static const SecretKey key = SecretKey::generate(2048);
  return key;
}

const SecretKey& erin() {
  static const SecretKey key = SecretKey::generate(3072);
  return key;
}

struct Question {
  const SecretKey* key;
  std::vector<EncodedInput> inputs;
  Bytes query;
};

Question ask(const CompiledModel& model, const SecretKey& key, Packing packing, std::size_t images) {
  const ClientSpec& spec = model.client_spec();
  std::vector<EncodedInput> inputs = make_inputs(spec, images + 2);
  inputs.erase(inputs.begin(), inputs.begin() + 2);
  const LayoutShape layout = layout_for(spec, packing, images);
  return {&key, inputs, encryptor_for(spec, key).encrypt(inputs, layout)};
}

std::vector<Outcome<Bytes>> answers(const Server& server, std::span<const Question> questions) {
  std::vector<ByteView> queries;
  for (const Question& question : questions) queries.emplace_back(question.query);
  return server.answer_together(queries);
}

void check_answer(const CompiledModel& model, const Question& question, Outcome<Bytes>& reply) {
  CHECK(decryptor_for(model.client_spec(), *question.key).decrypt(reply.value()) ==
        predict(model, question.inputs));
}

/// A query whose ciphertext number 0 is p: not a unit mod n².
Bytes with_a_non_unit(const CompiledModel& model, const Question& question) {
  OpenQuery open = open_query(question.query, model.client_spec());
  const Bytes p = to_bytes(question.key->p().value(), question.key->public_key().ciphertext_bytes());
  std::copy(p.begin(), p.end(), open.chunks[0].begin());
  return close(open);
}

}  // namespace

TEST_CASE("queries of several clients and layouts together have the answers each would have alone") {
  const CompiledModel model = small_model();
  const std::vector<Question> questions = {
      ask(model, alice(), Packing::plain, 1),        ask(model, bob(), Packing::plain, 1),
      ask(model, carol(), Packing::all_in_one, 1),   ask(model, dave(), Packing::all_in_one, 1),
      ask(model, alice(), Packing::dot_products, 1), ask(model, erin(), Packing::dot_products, 2),
      ask(model, alice(), Packing::plain, 1),        ask(model, bob(), Packing::batch, 3),
      ask(model, bob(), Packing::all_in_one, 3)};
  for (const Backend* const backend : supported_backends()) {
    for (const int thread_count : {1, 2}) {
      const Threads threads(thread_count);
      const Server server(model, *backend);
      CHECK(server.answer_together({}).empty());
      for (std::size_t count = 1; count <= questions.size(); ++count) {
        std::vector<Outcome<Bytes>> replies = answers(server, std::span(questions).first(count));
        REQUIRE(replies.size() == count);
        for (std::size_t i = 0; i < count; ++i) {
          CAPTURE(backend->name(), thread_count, count, i);
          check_answer(model, questions[i], replies[i]);
        }
      }
    }
  }
}

TEST_CASE("a query that is refused does not fail those beside it") {
  const CompiledModel model = small_model();
  std::vector<Question> questions = {
      ask(model, alice(), Packing::plain, 1), ask(model, bob(), Packing::plain, 1),
      ask(model, bob(), Packing::plain, 1),   ask(model, alice(), Packing::plain, 1),
      ask(model, bob(), Packing::plain, 1),   ask(tiny_model(), bob(), Packing::plain, 1)};
  questions[1].query[questions[1].query.size() / 2] ^= 1;
  questions[2].query = with_a_non_unit(model, questions[2]);
  questions[4].query.pop_back();
  for (const Backend* const backend : supported_backends()) {
    for (const int thread_count : {1, 2}) {
      CAPTURE(backend->name(), thread_count);
      const Threads threads(thread_count);
      const Server server(model, *backend);
      std::vector<Outcome<Bytes>> replies = answers(server, questions);
      REQUIRE(replies.size() == questions.size());
      check_answer(model, questions[0], replies[0]);
      check_answer(model, questions[3], replies[3]);
      for (const std::size_t i : {1U, 2U, 4U, 5U}) {
        const auto error = error_of([&] { replies[i].value(); });
        const auto alone = error_of([&] { server.answer(questions[i].query); });
        REQUIRE(error);
        REQUIRE(alone);
        CHECK(error->kind() == alone->kind());
        CHECK(std::string(error->what()) == alone->what());
      }
      CHECK(kind_of([&] { replies[2].value(); }) == ErrorKind::invalid_ciphertext);
      CHECK(kind_of([&] { replies[5].value(); }) == ErrorKind::wrong_model);
    }
  }
}

TEST_CASE("queries of more than a lot, and more queries than are evaluated at once, are answered too") {
  const CompiledModel model = tiny_model();
  const Threads threads(1);
  const SlotLayout layout(layout_for(model.client_spec(), Packing::plain, 1),
                          certificate_of(model.client_spec()), kSmallestKeyBits);
  const std::size_t lot = server_lot(layout, 1);
  const std::vector<Question> questions = {
      ask(model, alice(), Packing::plain, 1), ask(model, bob(), Packing::plain, lot + 1),
      ask(model, bob(), Packing::plain, lot), ask(model, alice(), Packing::plain, 2)};
  const Server server(model);
  std::vector<Outcome<Bytes>> replies = answers(server, questions);
  for (std::size_t i = 0; i < questions.size(); ++i) check_answer(model, questions[i], replies[i]);

  const std::vector<Question> many(kServerCiphertexts / (2 * lot) + 2, questions[2]);
  replies = answers(server, many);
  REQUIRE(replies.size() == many.size());
  check_answer(model, many.front(), replies.front());
  check_answer(model, many.back(), replies.back());
}

TEST_CASE("replies to queries answered together share no ciphertext, even to the same query") {
  const CompiledModel model = small_model();
  const Question mine = ask(model, alice(), Packing::plain, 1);
  const Question theirs = ask(model, bob(), Packing::plain, 1);
  const std::vector<Question> questions = {mine, theirs, mine, mine, theirs};
  const Server server(model);
  std::set<Integer> seen;
  for (int round = 0; round < 3; ++round) {
    std::vector<Outcome<Bytes>> replies = answers(server, questions);
    for (std::size_t i = 0; i < questions.size(); ++i) {
      const PublicKey& key = questions[i].key->public_key();
      const OpenReply open = open_reply(replies[i].value(), model.client_spec(), key);
      for (const Ciphertext& one : parse_ciphertexts(key, open.chunks[0])) {
        CHECK(seen.insert(one.value()).second);
      }
    }
  }
  CHECK(seen.size() == 3 * questions.size() * model.client_spec().outputs);
}

TEST_CASE("an answer can be stopped between lots and continued") {
  const CompiledModel model = tiny_model();
  const Threads threads(1);
  const Question question = ask(model, alice(), Packing::plain, 40);  // of several lots
  const Server server(model);
  Bytes reply;
  const ByteSink out = [&](ByteView frame) { reply.insert(reply.end(), frame.begin(), frame.end()); };
  struct Stop {};
  std::size_t finished = 0;
  FrameReader reader(question.query, "query");
  CHECK_THROWS_AS(server.answer(reader, 0, out,
                                [&](std::size_t images) {
                                  finished = images;
                                  if (images > 20) throw Stop();
                                }),
                  Stop);
  REQUIRE(finished > 20);
  REQUIRE(finished < 40);
  REQUIRE(frames_of(reply).size() == 1 + finished);  // a header, and a chunk an image

  FrameReader again(question.query, "query");
  server.answer(again, finished, out, [](std::size_t) {});
  Outcome<Bytes> whole(reply);
  check_answer(model, question, whole);
}
