#include "opaline/paillier/key_files.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "opaline/base/file.h"
#include "opaline/paillier/key_proof.h"
#include "sample_keys.h"
#include "support/error_kind.h"
#include "support/temporary_folder.h"

using namespace opaline;
using namespace opaline::test;

namespace {

using Json = nlohmann::json;

Json parsed(const SecretKey& key) {
  const SecretBytes text = to_json(key);
  return Json::parse(text.begin(), text.end());
}

std::set<std::string> members(const Json& object) {
  std::set<std::string> names;
  for (const auto& item : object.items()) names.insert(item.key());
  return names;
}

Integer number(const Json& text) { return from_bytes(from_base64url(text.get<std::string>())); }

bool same(const SecretKey& a, const SecretKey& b) {
  return a.p().value() == b.p().value() && a.q().value() == b.q().value() && a.public_key() == b.public_key();
}

}  // namespace

TEST_CASE("a public key's document has the members of pheutil") {
  const PublicKey& key = sample_key().public_key();
  const Json document = Json::parse(to_json(key));
  CHECK(members(document) == std::set<std::string>{"kty", "alg", "key_ops", "n", "kid", "opaline"});
  CHECK(members(document["opaline"]) == std::set<std::string>{"fingerprint"});
  CHECK(document["kty"] == "DAJ");
  CHECK(document["alg"] == "PAI-GN1");
  CHECK(document["key_ops"] == Json::array({"encrypt"}));
  CHECK(document["kid"].is_string());
  CHECK(number(document["n"]) == key.n());
  CHECK(document["n"].get<std::string>().find('=') == std::string::npos);
}

TEST_CASE("a secret key's document has the members of pheutil, and ours where there are generators") {
  const Json with = parsed(sample_key());
  const Json without = parsed(imported_key());
  CHECK(members(with) == std::set<std::string>{"kty", "key_ops", "p", "q", "pub", "kid", "opaline"});
  CHECK(members(without) == std::set<std::string>{"kty", "key_ops", "p", "q", "pub", "kid"});
  for (const Json& document : {with, without}) {
    CHECK(document["kty"] == "DAJ");
    CHECK(document["key_ops"] == Json::array({"decrypt"}));
    CHECK(document["kid"].is_string());
    CHECK(number(document["p"]) == sample_key().p().value());
    CHECK(number(document["q"]) == sample_key().q().value());
    CHECK(document["pub"] == Json::parse(to_json(sample_key().public_key())));
  }
  CHECK(members(with["opaline"]) == std::set<std::string>{"h_p", "k_p", "h_q", "k_q"});
  CHECK(number(with["opaline"]["h_p"]) == sample_key().generator_p()->h.value());
}

TEST_CASE("a proof is written with its key, and checked as it is read") {
  const TemporaryFolder folder;
  SecretKey key = SecretKey::from_primes(SecretInteger(sample_key().p().value()),
                                         SecretInteger(sample_key().q().value()));
  const KeyProof proof = make_key_proof(key);
  key = std::move(key).with_proof(proof);
  write_key(folder / "alice.key", key);
  write_key(folder / "alice.pub", key.public_key());
  const SecretKey again = read_secret_key(folder / "alice.key");
  REQUIRE(again.public_key().proof() != nullptr);
  CHECK(*again.public_key().proof() == proof);
  for (const char* const name : {"alice.key", "alice.pub"}) {
    const PublicKey pub = read_public_key(folder / name);
    REQUIRE(pub.proof() != nullptr);
    CHECK(*pub.proof() == proof);
  }

  const std::string text = to_json(key.public_key());
  const auto refused = [&](const Json& wrong) {
    Json document = Json::parse(text);
    document["opaline"]["proof"] = wrong;
    const std::string changed = document.dump();
    const auto error = error_of([&] { public_key_from_json(as_bytes(changed), "k.json"); });
    REQUIRE(error);
    CHECK(std::string(error->what()).rfind("k.json: ", 0) == 0);
    return error->kind();
  };
  KeyProof foreign = make_key_proof(other_key());
  CHECK(refused(to_base64url(foreign.roots)) == ErrorKind::invalid_key);
  CHECK(refused("") == ErrorKind::invalid_key);
  CHECK(refused("AAAA") == ErrorKind::invalid_key);
  foreign = proof;
  foreign.roots[500] ^= 1U;
  CHECK(refused(to_base64url(foreign.roots)) == ErrorKind::invalid_key);
  CHECK(refused(to_base64url(proof.roots) + "=") == ErrorKind::damaged);
  CHECK(refused(std::string(20000, 'A')) == ErrorKind::damaged);
  for (const Json& wrong : {Json(), Json(true), Json(7), Json::array(), Json::object()}) {
    CHECK(refused(wrong) == ErrorKind::damaged);
  }
}

TEST_CASE("keys are written and read back") {
  const TemporaryFolder folder;
  write_key(folder / "alice.key", sample_key());
  write_key(folder / "alice.pub", sample_key().public_key());
  write_key(folder / "imported.key", imported_key());

  const SecretKey key = read_secret_key(folder / "alice.key");
  CHECK(same(key, sample_key()));
  REQUIRE(key.generator_p());
  REQUIRE(key.generator_q());
  CHECK(key.generator_p()->h.value() == sample_key().generator_p()->h.value());
  CHECK(key.generator_p()->k.value() == sample_key().generator_p()->k.value());
  CHECK(key.generator_q()->h.value() == sample_key().generator_q()->h.value());
  CHECK(key.generator_q()->k.value() == sample_key().generator_q()->k.value());
  const SecretKey imported = read_secret_key(folder / "imported.key");
  CHECK(same(imported, sample_key()));
  CHECK_FALSE(imported.generator_p());
  CHECK_FALSE(imported.generator_q());

  for (const char* const name : {"alice.key", "alice.pub", "imported.key"}) {
    CHECK(read_public_key(folder / name) == sample_key().public_key());
  }
  CHECK(holds_secret_key(folder / "alice.key"));
  CHECK(holds_secret_key(folder / "imported.key"));
  CHECK_FALSE(holds_secret_key(folder / "alice.pub"));
}

TEST_CASE("a secret key's file is its owner's alone") {
  const TemporaryFolder folder;
  write_key(folder / "alice.key", sample_key());
  write_key(folder / "alice.pub", sample_key().public_key());
  CHECK(FileReader(folder / "alice.key").permissions() == 0600);
  CHECK((FileReader(folder / "alice.pub").permissions() & 0400) != 0);
}

TEST_CASE("a public key where a secret one is needed is told so") {
  const TemporaryFolder folder;
  write_key(folder / "alice.pub", sample_key().public_key());
  const auto error = error_of([&] { read_secret_key(folder / "alice.pub"); });
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::damaged);
  CHECK(std::string(error->what()) ==
        (folder / "alice.pub").string() + ": a public key; a secret key (.key) is needed here");
}

TEST_CASE("files that are not there are named") {
  const TemporaryFolder folder;
  const std::filesystem::path path = folder / "nobody.key";
  CHECK(kind_of([&] { read_secret_key(path); }) == ErrorKind::io);
  CHECK(kind_of([&] { read_public_key(path); }) == ErrorKind::io);
  CHECK(kind_of([&] { holds_secret_key(path); }) == ErrorKind::io);
}

TEST_CASE("a secret key of the largest size fits its file") {
  // Without the long search for primes: what is written is what matters.
  const TemporaryFolder folder;
  const Integer p = (Integer(1) << 4096) - 1;
  Json document = parsed(sample_key());
  document["p"] = to_base64url(to_bytes(p));
  document["q"] = to_base64url(to_bytes(p));
  document["pub"]["n"] = to_base64url(to_bytes(p * p));
  document["opaline"]["h_p"] = document["pub"]["n"];
  const std::string text = document.dump();
  // Past every check of sizes, the numbers themselves are refused.
  const auto error = error_of([&] { secret_key_from_json(as_bytes(text), "large"); });
  REQUIRE(error);
  CHECK(std::string(error->what()) == "large: p and q are equal");
}
