// What a server sends has noise of its own: it does not tell how it was computed.

#include <boost/multiprecision/gmp.hpp>
#include <catch2/catch.hpp>
#include <set>
#include <vector>

#include "inference/parties.h"
#include "opaline/packing/packed_map.h"

using namespace opaline;
using namespace opaline::test;

namespace {

std::vector<Integer> numbers(const Bytes& ciphertexts) {
  std::vector<Integer> all;
  for (const Ciphertext& one : parse_ciphertexts(alice().public_key(), ciphertexts))
    all.push_back(one.value());
  return all;
}

}  // namespace

TEST_CASE("replies to one query share no ciphertext, and none is the bare product") {
  const CompiledModel model = small_model();
  const ClientSpec& spec = model.client_spec();
  const PublicKey& key = alice().public_key();
  const Bytes query = encryptor_for(spec, alice()).encrypt(make_inputs(spec, 3));
  const Server server(model);
  const SlotLayout layout(encryptor_for(spec, alice()).batch(3), certificate_of(spec), key.bits());
  const std::vector<Integer> constants =
      PackedMap(layout, model.weights(), spec.weight_bits, model.bias()).constants();
  const std::vector<Integer> x = numbers(open_query(query, spec).chunks[0]);

  std::set<Integer> seen;
  Bytes products;
  for (std::size_t k = 0; k < spec.outputs; ++k) {
    Integer product = 1 + constants[k] * key.n();
    for (std::size_t j = 0; j < spec.inputs; ++j) {
      const std::int32_t weight = model.weights()[k * spec.inputs + j];
      const Integer base = weight < 0 ? invert_vartime(x[j], key.n_squared()) : x[j];
      product = product * powm(base, Integer(std::abs(weight)), key.n_squared()) % key.n_squared();
    }
    seen.insert(product);
    const Bytes bytes = to_bytes(product, key.ciphertext_bytes());
    products.insert(products.end(), bytes.begin(), bytes.end());
  }
  REQUIRE(seen.size() == spec.outputs);

  // They are what the server multiplied: as a reply they would be right.
  OpenReply bare = open_reply(server.answer(query), spec, key);
  bare.chunks[0] = products;
  REQUIRE(decryptor_for(spec, alice()).decrypt(close(bare)) == predict(model, make_inputs(spec, 3)));

  for (int round = 0; round < 3; ++round) {
    const std::vector<Integer> reply = numbers(open_reply(server.answer(query), spec, key).chunks[0]);
    REQUIRE(reply.size() == spec.outputs);
    for (const Integer& one : reply) CHECK(seen.insert(one).second);
  }
}

TEST_CASE("queries for one input share no ciphertext") {
  const ClientSpec spec = small_model().client_spec();
  for (const Owner owner : {Owner::secret, Owner::everyone}) {
    const QueryEncryptor client = encryptor_for(spec, alice(), owner);
    std::set<Integer> seen;
    for (int round = 0; round < 2; ++round) {
      const OpenQuery query = open_query(client.encrypt(make_inputs(spec, 2)), spec);
      for (const Integer& one : numbers(query.chunks[0])) CHECK(seen.insert(one).second);
    }
    CHECK(seen.size() == 2 * spec.inputs);
  }
}
