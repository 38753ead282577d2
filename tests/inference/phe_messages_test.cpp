// Queries and replies as single numbers of python-paillier, both ways.

#include "opaline/inference/phe_messages.h"

#include <catch2/catch.hpp>
#include <string>

#include "inference/parties.h"
#include "opaline/paillier/decryptor.h"
#include "support/error_kind.h"

using namespace opaline;
using namespace opaline::test;

namespace {

std::vector<Integer> decrypt(const std::vector<PheNumber>& numbers) {
  std::vector<Integer> values;
  for (const PheNumber& number : numbers) {
    CHECK(number.exponent == 0);
    values.push_back(Decryptor(alice()).decrypt(number.ciphertext));
  }
  return values;
}

std::vector<Integer> flat(const std::vector<std::vector<std::int64_t>>& rows) {
  std::vector<Integer> values;
  for (const auto& row : rows) values.insert(values.end(), row.begin(), row.end());
  return values;
}

std::vector<PheNumber> encrypted(const std::vector<EncodedInput>& inputs, int exponent = 0) {
  const Encryptor encryptor(alice().public_key());
  std::vector<PheNumber> numbers;
  for (const Integer& value : flat(inputs)) numbers.push_back({encryptor.encrypt(value), exponent});
  return numbers;
}

}  // namespace

TEST_CASE("numbers become a query, its reply becomes numbers, and they are the exact answers") {
  const CompiledModel model = small_model();
  const ClientSpec& spec = model.client_spec();
  const std::vector<EncodedInput> inputs = make_inputs(spec, 3);
  const Evaluator evaluator(alice().public_key());
  const Bytes query = query_of_numbers(spec, encrypted(inputs), evaluator);
  const Bytes reply = Server(model).answer(query);
  FrameReader reader(reply, "reply");
  CHECK(decrypt(numbers_of_reply(reader, spec, evaluator)) == flat(predict(model, inputs)));
  // The client of this project reads it as well.
  CHECK(decryptor_for(spec, alice()).decrypt(reply) == predict(model, inputs));
}

TEST_CASE("a query in the plain layout becomes the numbers that were encrypted") {
  const CompiledModel model = small_model();
  const ClientSpec& spec = model.client_spec();
  const std::vector<EncodedInput> inputs = make_inputs(spec, 2);
  const QueryEncryptor client = encryptor_for(spec, alice());
  const Bytes query = client.encrypt(inputs, client.plain());
  FrameReader reader(query, "query");
  CHECK(decrypt(numbers_of_query(reader, spec)) == flat(inputs));
}

TEST_CASE("other layouts, models and keys are refused") {
  const CompiledModel model = small_model();
  const ClientSpec& spec = model.client_spec();
  const QueryEncryptor client = encryptor_for(spec, alice());
  const Evaluator evaluator(alice().public_key());
  for (const Packing packing : {Packing::batch, Packing::dot_products, Packing::all_in_one}) {
    const Bytes query = client.encrypt(make_inputs(spec, 2), layout_for(spec, packing, 2));
    const Bytes reply = Server(model).answer(query);
    FrameReader query_reader(query, "q.query");
    FrameReader reply_reader(reply, "r.reply");
    CHECK(kind_of([&] { numbers_of_query(query_reader, spec); }) == ErrorKind::does_not_fit);
    CHECK(kind_of([&] { numbers_of_reply(reply_reader, spec, evaluator); }) == ErrorKind::does_not_fit);
  }
  const Bytes query = client.encrypt(make_inputs(spec, 1), client.plain());
  const Bytes reply = Server(model).answer(query);
  const ClientSpec other = tiny_model().client_spec();
  FrameReader for_other(query, "q.query");
  CHECK(kind_of([&] { numbers_of_query(for_other, other); }) == ErrorKind::wrong_model);
  FrameReader reply_for_other(reply, "r.reply");
  CHECK(kind_of([&] { numbers_of_reply(reply_for_other, other, evaluator); }) == ErrorKind::wrong_model);
  FrameReader for_bob(reply, "r.reply");
  CHECK(kind_of([&] { numbers_of_reply(for_bob, spec, Evaluator(bob().public_key())); }) ==
        ErrorKind::wrong_key);
}

TEST_CASE("positive exponents are multiplied in, negative ones are refused by number") {
  const CompiledModel model = tiny_model();
  const ClientSpec& spec = model.client_spec();
  const Evaluator evaluator(alice().public_key());
  const Encryptor encryptor(alice().public_key());
  // 0·16 and 15·16^0, in a model of four-bit inputs; then 1·16, which is outside, and nobody can see.
  const std::vector<PheNumber> numbers = {{encryptor.encrypt(0), 1}, {encryptor.encrypt(15), 0}};
  const Bytes reply = Server(model).answer(query_of_numbers(spec, numbers, evaluator));
  CHECK(decryptor_for(spec, alice()).decrypt(reply) == predict(model, {{0, 15}}));
  std::vector<PheNumber> bad = numbers;
  bad[1].exponent = -13;
  const auto error = error_of([&] { query_of_numbers(spec, bad, evaluator); });
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::out_of_range);
  CHECK(std::string(error->what()).find("number 1") != std::string::npos);
  CHECK(std::string(error->what()).find("-13") != std::string::npos);
}

TEST_CASE("numbers that are no whole inputs are refused") {
  const ClientSpec spec = tiny_model().client_spec();
  const Evaluator evaluator(alice().public_key());
  CHECK(kind_of([&] { query_of_numbers(spec, {}, evaluator); }) == ErrorKind::invalid_argument);
  const auto three = encrypted({{1, 2}, {3, 4}});
  CHECK(kind_of([&] { query_of_numbers(spec, std::span(three).first(3), evaluator); }) ==
        ErrorKind::invalid_argument);
}
