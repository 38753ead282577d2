#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <optional>

#include "key_traces.h"
#include "opaline/base/error.h"
#include "opaline/base/wiped_stack.h"
#include "opaline/paillier/decryptor.h"
#include "opaline/paillier/encryptor.h"
#include "opaline/paillier/evaluator.h"
#include "opaline/paillier/key_encryption.h"
#include "opaline/paillier/key_files.h"
#include "opaline/paillier/key_proof.h"
#include "opaline/paillier/key_rules.h"
#include "support/supported_backends.h"
#include "support/watched_backend.h"

using namespace opaline;
using opaline::test::KeyTraces;

namespace {

const std::vector<std::string> kNothing;

/// Made, written, read, used for everything a key is used for.
struct KeyInUse {
  KeyInUse() : key(secret_key_from_json(to_json(SecretKey::generate(kSmallestKeyBits)), "k.json")) {
    const std::vector<Integer> plaintexts(20, Integer(1) << 300U);
    const Decryptor decryptor(key);
    for (const Backend* const backend : backends()) {
      if (!backend->supported()) continue;
      const Encryptor one(key, *backend, {PublicNoiseKind::full_length, 4});
      REQUIRE(decryptor.decrypt(one.encrypt(plaintexts)) == plaintexts);
      REQUIRE(Decryptor(key, *backend).decrypt(one.encrypt(plaintexts)) == plaintexts);
    }
    const SecretKey imported = SecretKey::from_primes(key.p().clone(), key.q().clone());
    REQUIRE(decryptor.decrypt(Encryptor(imported).encrypt(plaintexts)) == plaintexts);
    encryptor = std::make_unique<Encryptor>(key);
    key = std::move(key).with_proof(make_key_proof(key));
    const SecretBytes passphrase = {'s', 'i', 'x', ' ', 'w', 'o', 'r', 'd', 's'};
    const SecretBytes file = key_file(key, passphrase);
    REQUIRE(secret_key_from_json(decrypt_with_passphrase(file, passphrase, "a.key"), "a.key").public_key() ==
            key.public_key());
  }

  SecretKey key;
  std::unique_ptr<Encryptor> encryptor;
};

}  // namespace

TEST_CASE("traces of a key that lies in ordinary memory are found") {
  const SecretKey key = SecretKey::generate(kSmallestKeyBits);
  const KeyTraces traces(key);
  CHECK(traces.search().in_dumps == kNothing);
  const SecretBytes file = to_json(key);
  {
    const std::size_t before = traces.search().left_out_of_dumps;
    const Integer number = key.q().value();  // in GMP's memory
    CHECK(number > 0);
    CHECK(traces.search().left_out_of_dumps > before);
  }
  CHECK(traces.search().in_dumps == kNothing);
  {
    const Bytes bytes = to_bytes(key.p().value());
    CHECK(traces.search().in_dumps.size() > 0);
    CHECK(bytes.size() == 64);
  }
  {
    const Bytes text(file.begin() + 60, file.begin() + 100);
    CHECK(traces.search().in_dumps.size() > 0);
    CHECK(text.size() == 40);
  }
}

TEST_CASE("no core dump would contain a key that is in use, and nothing is left of one that is gone") {
  auto in_use = std::make_unique<KeyInUse>();
  const KeyTraces traces(in_use->key);
  const KeyTraces::Found alive = traces.search();
  CHECK(alive.in_dumps == kNothing);
  CHECK(alive.left_out_of_dumps > 0);
  in_use.reset();
  const KeyTraces::Found gone = traces.search();
  CHECK(gone.in_dumps == kNothing);
  CHECK(gone.left_out_of_dumps == 0);
}

TEST_CASE("every calculation with a key or with noise is done on a stack that is wiped") {
  const SecretKey key = SecretKey::generate(kSmallestKeyBits);
  const SecretKey imported = SecretKey::from_primes(key.p().clone(), key.q().clone());
  const std::vector<Integer> plaintexts(20, -7);
  for (const Backend* const backend : test::supported_backends()) {
    std::atomic<std::size_t> inside = 0;
    std::atomic<std::size_t> outside = 0;
    const test::WatchedBackend watched(
        *backend, [&](test::Operation, std::span<Word>) { ++(is_on_secret_stack() ? inside : outside); });
    const Decryptor decryptor(key, watched);
    for (const SecretKey* const each : {&key, &imported}) {
      REQUIRE(decryptor.decrypt(Encryptor(*each, watched).encrypt(plaintexts)) == plaintexts);
    }
    const Encryptor with_ready(key, watched, {PublicNoiseKind::full_length, 8});
    REQUIRE(decryptor.decrypt(with_ready.encrypt(plaintexts)) == plaintexts);
    for (const PublicNoiseKind kind : {PublicNoiseKind::full_length, PublicNoiseKind::djn}) {
      const Encryptor encryptor(key.public_key(), watched, {kind, 0});
      REQUIRE(decryptor.decrypt(encryptor.encrypt(plaintexts)) == plaintexts);
    }
    CHECK(outside == 0);
    CHECK(inside > 1000);

    // The server's own secrets are the noise and the masks.
    const std::vector<Ciphertext> queries = Encryptor(key).encrypt(plaintexts);
    const Evaluator evaluator(key.public_key(), watched);
    outside = 0;
    const EvaluatedCiphertext sum = evaluator.add(queries[0], queries[1]);
    REQUIRE(decryptor.decrypt(evaluator.rerandomise(sum)) == -14);
    CHECK(outside == 0);
  }
}

TEST_CASE("nothing is left of a key that was refused, at whatever step") {
  struct Damage {
    const char* member;
    std::ptrdiff_t letter;        ///< of its text
    std::optional<KeyRule> rule;  ///< nothing: its text is no base64url
  };
  for (const Damage& damage :
       {Damage{"\"p\": \"", 20, KeyRule::product}, Damage{"\"h_q\": \"", 20, KeyRule::generators},
        Damage{"\"k_p\": \"", 0, KeyRule::generators}, Damage{"\"q\": \"", 20, std::nullopt}}) {
    CAPTURE(damage.member);
    auto key = std::make_unique<SecretKey>(SecretKey::generate(kSmallestKeyBits));
    const KeyTraces traces(*key);
    {
      SecretBytes file = to_json(*key);
      const std::string_view name = damage.member;
      const auto found = std::search(file.begin(), file.end(), name.begin(), name.end());
      REQUIRE(found != file.end());
      auto& letter = *(found + static_cast<std::ptrdiff_t>(name.size()) + damage.letter);
      letter = damage.rule ? (letter == 'B' ? 'C' : 'B') : '*';
      std::optional<KeyRule> broken;
      try {
        secret_key_from_json(file, "k.json");
        FAIL("a damaged key was read");
      } catch (const InvalidKey& error) {
        broken = error.rule();
      } catch (const Error&) {
      }
      CHECK(broken == damage.rule);
    }
    key.reset();
    const KeyTraces::Found gone = traces.search();
    CHECK(gone.in_dumps == kNothing);
    CHECK(gone.left_out_of_dumps == 0);
  }
}
