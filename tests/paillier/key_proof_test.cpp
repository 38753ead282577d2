// The proof that gcd(n, φ(n)) = 1: complete, sound against keys that lack it, and none but the one.

#include "opaline/paillier/key_proof.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "opaline/bigint/primes.h"
#include "opaline/paillier/key_rules.h"
#include "opaline/paillier/keys.h"
#include "sample_keys.h"
#include "support/error_kind.h"
#include "support/supported_backends.h"

using namespace opaline;
using namespace opaline::test;

namespace {

constexpr std::size_t kWidth = 128;  // bytes of a modulus of 1024 bits

const KeyProof& sample_proof() {
  static const KeyProof proof = make_key_proof(sample_key());
  return proof;
}

Integer root(const KeyProof& proof, std::size_t i) {
  return from_bytes(ByteView(proof.roots).subspan(i * kWidth, kWidth));
}

KeyProof with_root(const KeyProof& proof, std::size_t i, const Integer& root) {
  const Bytes bytes = to_bytes(root, kWidth);
  KeyProof changed = proof;
  std::copy(bytes.begin(), bytes.end(), changed.roots.begin() + static_cast<std::ptrdiff_t>(i * kWidth));
  return changed;
}

bool proves(const KeyProof& proof, const PublicKey& key = sample_key().public_key()) {
  return proves_vartime(proof, key);
}

Integer power_of_two(unsigned exponent) { return Integer(1) << exponent; }

Integer random_prime(unsigned bits) {
  return prime_from(7 * power_of_two(bits - 3) + random_below(power_of_two(bits - 4)));
}

/// What somebody who knows φ(n) can do, whatever n is: y = x^(1/n) in the largest part of the group where
/// that exists, which is an n-th root of every challenge that has one.
KeyProof best_effort(const PublicKey& key, const Integer& totient) {
  Integer order = totient;
  for (Integer common = gcd_vartime(order, key.n()); common != 1; common = gcd_vartime(order, key.n())) {
    order /= common;
  }
  const Integer exponent = invert_vartime(key.n() % order, order);
  KeyProof proof;
  for (const Integer& x : key_proof_challenges_vartime(key)) {
    const Bytes bytes = to_bytes(pow_mod_vartime(x, exponent, key.n()), kWidth);
    proof.roots.insert(proof.roots.end(), bytes.begin(), bytes.end());
  }
  return proof;
}

std::size_t right_roots(const KeyProof& proof, const PublicKey& key) {
  const std::vector<Integer> challenges = key_proof_challenges_vartime(key);
  std::size_t right = 0;
  for (std::size_t i = 0; i < kKeyProofRoots; ++i) {
    if (pow_mod_vartime(root(proof, i), key.n(), key.n()) == challenges[i]) ++right;
  }
  return right;
}

void check_no_proof(const Integer& n, const Integer& totient) {
  REQUIRE(bit_length(n) == 1024);
  REQUIRE(gcd_vartime(n, totient) > 1);
  const PublicKey key(n);
  const KeyProof forged = best_effort(key, totient);
  CHECK_FALSE(proves(forged, key));
  // In these groups at most one challenge in 2^39 has a root at all.
  CHECK(right_roots(forged, key) == 0);
}

}  // namespace

TEST_CASE("a key's proof is accepted, on every backend, and carried") {
  for (const SecretKey* const key : {&sample_key(), &other_key(), &imported_key()}) {
    const KeyProof proof = make_key_proof(*key);
    CHECK(proof.roots.size() == kKeyProofRoots * kWidth);
    for (const Backend* const backend : supported_backends()) {
      CHECK(proves_vartime(proof, key->public_key(), *backend));
      CHECK(*key->public_key().with_proof(proof, *backend).proof() == proof);
    }
    CHECK(key->public_key().proof() == nullptr);
    CHECK(key->public_key().with_proof(proof) == key->public_key());
  }
}

TEST_CASE("a key has one proof") { CHECK(make_key_proof(sample_key()) == sample_proof()); }

TEST_CASE("lengths of a modulus that are no whole bytes") {
  const SecretKey key = SecretKey::generate(1030);
  CHECK(proves(make_key_proof(key), key.public_key()));
}

TEST_CASE("a secret key keeps its proof when it moves, and refuses another's") {
  SecretKey key = SecretKey::from_primes(SecretInteger(sample_key().p().value()),
                                         SecretInteger(sample_key().q().value()));
  key = std::move(key).with_proof(sample_proof());
  REQUIRE(key.public_key().proof() != nullptr);
  CHECK(*key.public_key().proof() == sample_proof());
  const KeyProof foreign = make_key_proof(other_key());
  try {
    key = std::move(key).with_proof(foreign);
    FAIL("another key's proof was taken");
  } catch (const InvalidKey& error) {
    CHECK(error.rule() == KeyRule::proof);
    CHECK(error.kind() == ErrorKind::invalid_key);
  }
}

TEST_CASE("a proof for one key proves nothing of another") {
  CHECK_FALSE(proves(sample_proof(), other_key().public_key()));
  CHECK_FALSE(proves(make_key_proof(other_key())));
}

TEST_CASE("a proof with any byte changed is refused") {
  for (std::size_t i = 0; i < sample_proof().roots.size(); ++i) {
    KeyProof changed = sample_proof();
    changed.roots[i] = static_cast<std::uint8_t>(changed.roots[i] ^ (1U << (i % 8)));
    if (proves(changed)) FAIL("byte " << i << " does not matter");
  }
}

TEST_CASE("a proof of another length is refused") {
  KeyProof proof = sample_proof();
  proof.roots.push_back(0);
  CHECK_FALSE(proves(proof));
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, kWidth, 7 * kWidth, 8 * kWidth - 1, 9 * kWidth, 16 * kWidth}) {
    proof = sample_proof();
    proof.roots.resize(size);
    CHECK_FALSE(proves(proof));
  }
}

TEST_CASE("roots that are no units or not reduced are refused") {
  const SecretKey& key = sample_key();
  const Integer& n = key.public_key().n();
  for (std::size_t i = 0; i < kKeyProofRoots; ++i) {
    const Integer y = root(sample_proof(), i);
    CHECK(proves(with_root(sample_proof(), i, y)));
    for (const Integer& wrong :
         {Integer(0), Integer(1), Integer(n - 1), Integer(n), Integer(n - y), key.p().value(),
          Integer(key.q().value() * 3), Integer(power_of_two(1024) - 1)}) {
      CHECK_FALSE(proves(with_root(sample_proof(), i, wrong)));
    }
    // The same residue, written longer.
    if (y + n < power_of_two(1024)) CHECK_FALSE(proves(with_root(sample_proof(), i, y + n)));
  }
}

TEST_CASE("roots in another order are refused") {
  KeyProof swapped = with_root(sample_proof(), 0, root(sample_proof(), 1));
  swapped = with_root(swapped, 1, root(sample_proof(), 0));
  CHECK_FALSE(proves(swapped));
  CHECK_FALSE(proves(with_root(sample_proof(), 3, root(sample_proof(), 4))));
}

TEST_CASE("challenges are of full length, below n, and another key has others") {
  for (const SecretKey* const key : {&sample_key(), &other_key()}) {
    const std::vector<Integer> challenges = key_proof_challenges_vartime(key->public_key());
    REQUIRE(challenges.size() == kKeyProofRoots);
    for (std::size_t i = 0; i < kKeyProofRoots; ++i) {
      CHECK(challenges[i] < key->public_key().n());
      CHECK(bit_length(challenges[i]) > 1024 - 40);
      for (std::size_t j = 0; j < i; ++j) CHECK(challenges[j] != challenges[i]);
    }
  }
  CHECK(key_proof_challenges_vartime(sample_key().public_key())[0] !=
        key_proof_challenges_vartime(other_key().public_key())[0]);
  CHECK(right_roots(sample_proof(), sample_key().public_key()) == kKeyProofRoots);
}

TEST_CASE("what knows the factors makes the same proof") {
  const Integer totient = (sample_key().p().value() - 1) * (sample_key().q().value() - 1);
  CHECK(best_effort(sample_key().public_key(), totient) == sample_proof());
}

TEST_CASE("a modulus with a square in it is accepted as a key and has no proof") {
  const Integer p = random_prime(341);
  const Integer q = random_prime(342);
  check_no_proof(p * p * q, p * (p - 1) * (q - 1));
}

TEST_CASE("a modulus with p dividing q - 1 is accepted as a key and has no proof") {
  for (const Integer& p : {random_prime(400), random_prime(100), random_prime(40)}) {
    const Integer cofactor = (Integer(15) << 1020) / (p * p) & ~Integer(1);
    Integer q = cofactor * p + 1;
    while (!is_probable_prime_vartime(q)) q -= 2 * p;
    REQUIRE(q % p == 1);
    check_no_proof(p * q, (p - 1) * (q - 1));
  }
}

TEST_CASE("three primes have a proof as well: it does not prove that there are two") {
  const Integer p = random_prime(341);
  const Integer q = random_prime(341);
  const Integer r = random_prime(342);
  const PublicKey key(p * q * r);
  REQUIRE(key.bits() == 1024);
  CHECK(proves(best_effort(key, (p - 1) * (q - 1) * (r - 1)), key));
}
