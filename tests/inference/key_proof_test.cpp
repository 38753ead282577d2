// Proofs travel with keys, are checked once, and can be asked for.

#include <catch2/catch.hpp>
#include <string>
#include <utility>

#include "inference/parties.h"
#include "opaline/paillier/key_proof.h"
#include "opaline/paillier/key_rules.h"
#include "support/error_kind.h"

using namespace opaline;
using namespace opaline::test;

namespace {

const KeyProof& proof() {
  static const KeyProof made = make_key_proof(alice());
  return made;
}

/// A query for the tiny model, its key with or without a proof, every digest right.
OpenQuery a_query(bool proved) {
  const ClientSpec spec = tiny_model().client_spec();
  const QueryEncryptor client = encryptor_for(spec, alice());
  OpenQuery query = open_query(client.encrypt(make_inputs(spec, 1), client.plain()), spec);
  if (proved) query.header.key = query.header.key.with_proof(proof());
  return query;
}

/// The same with another proof than the key's own, which QueryHeader does not let be.
Bytes with_other_proof(const Bytes& query, const Bytes& other) {
  std::vector<Bytes> frames = frames_of(query);
  const std::string roots(proof().roots.begin(), proof().roots.end());
  Bytes header = payload_of(frames[0]);
  std::string text(header.begin(), header.end());
  const std::size_t at = text.find(roots);
  REQUIRE(at + roots.size() == text.size());  // the last field: two bytes of tag and length stand before it
  text.resize(at - 3);
  if (!other.empty()) {
    text += {static_cast<char>(6 << 3 | 2)};
    std::size_t size = other.size();
    for (; size >= 128; size >>= 7) text += static_cast<char>(size | 128);
    text += static_cast<char>(size);
    text.append(other.begin(), other.end());
  }
  frames[0] = with_payload(frames[0], as_bytes(text));
  const Digest digest = sha256(frames[0]);
  for (std::size_t i = 1; i < frames.size(); ++i) {
    frames[i] = with_payload(frames[i], payload_of(frames[i]), digest);
  }
  return join(frames);
}

QueryLimits proofs_only() {
  QueryLimits limits;
  limits.require_key_proof = true;
  return limits;
}

}  // namespace

TEST_CASE("an encryptor's key takes its proof into the query, and the server answers") {
  const ClientSpec spec = tiny_model().client_spec();
  const std::vector<EncodedInput> inputs = make_inputs(spec, 3);
  const PublicKey pub = alice().public_key().with_proof(proof());
  const QueryEncryptor client(spec, Encryptor(pub));
  const Bytes query = client.encrypt(inputs);
  FrameReader reader(query, "query");
  const QueryHeader header = read_query_header(reader);
  REQUIRE(header.key.proof() != nullptr);
  CHECK(*header.key.proof() == proof());
  const Server server(tiny_model());
  CHECK(server.examine(query, proofs_only()).images == 3);
  CHECK(decryptor_for(spec, alice()).decrypt(server.answer(query)) == predict(tiny_model(), inputs));
}

TEST_CASE("a server that asks for proofs refuses a key without, always, and says what to do") {
  const Server server(tiny_model());
  const Bytes with = close(a_query(true));
  const Bytes without = close(a_query(false));
  // Whatever it remembers: a replica that has never seen the key must do the same.
  for (int round = 0; round < 2; ++round) {
    try {
      server.examine(without, proofs_only());
      FAIL("a key without a proof was taken");
    } catch (const InvalidKey& error) {
      CHECK(error.rule() == KeyRule::proof_demanded);
      CHECK(error.kind() == ErrorKind::invalid_key);
      CHECK(std::string(error.what()).find("opaline key prove") != std::string::npos);
    }
    CHECK(server.examine(without, QueryLimits()).images == 1);
    CHECK(server.examine(with, proofs_only()).images == 1);
    CHECK(server.answer(with).size() == server.answer(without).size());
  }
}

TEST_CASE("a wrong proof is refused whether it is asked for or not, known key or not") {
  const Bytes query = close(a_query(true));
  Bytes flipped = proof().roots;
  flipped[77] ^= 4U;
  Bytes longer = proof().roots;
  longer.push_back(0);
  const Bytes shorter(proof().roots.begin(), proof().roots.end() - 128);
  const Bytes foreign = make_key_proof(bob()).roots;
  const Server server(tiny_model());
  for (int round = 0; round < 2; ++round) {
    for (const Bytes& wrong : {flipped, longer, shorter, foreign, Bytes(1024, 0), Bytes{1}}) {
      const Bytes changed = with_other_proof(query, wrong);
      CHECK(kind_of([&] { server.examine(changed, QueryLimits()); }) == ErrorKind::invalid_key);
      CHECK(kind_of([&] { server.examine(changed, proofs_only()); }) == ErrorKind::invalid_key);
      CHECK(kind_of([&] { server.answer(changed); }) == ErrorKind::invalid_key);
    }
    const Bytes huge = with_other_proof(query, Bytes(kLargestKeyProof + 1, 7));
    CHECK(kind_of([&] { server.answer(huge); }) == ErrorKind::damaged);
    CHECK_FALSE(kind_of([&] { server.answer(with_other_proof(query, proof().roots)); }));
    CHECK_FALSE(kind_of([&] { server.answer(with_other_proof(query, {})); }));
    server.answer(query);  // from now on it remembers the key
  }
}

TEST_CASE("the proof is under the header's digest") {
  CHECK(message_digest(a_query(true).header) != message_digest(a_query(false).header));
  OpenQuery query = a_query(true);
  const Digest with = message_digest(query.header);
  query.header.key = alice().public_key();
  CHECK(message_digest(query.header) != with);
}
