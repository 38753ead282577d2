#include "opaline/paillier/noise_check.h"

#include <array>
#include <catch2/catch.hpp>
#include <vector>

#include "opaline/base/error.h"
#include "sample_keys.h"
#include "support/supported_backends.h"

using namespace opaline;
using namespace opaline::test;

namespace {

WordVector words_of(const Integer& x, std::size_t bits) {
  WordVector words(words_for(bits));
  to_words(x, words);
  return words;
}

/// What NoiseCheck is to agree to, calculated with GMP: (1 + plaintext·n)·h^Σe, the exponents those of some
/// ciphertexts, for p, q, p, q …
struct Claim {
  Claim(const SecretKey& owner, Integer sum_of_plaintexts, std::vector<Integer> of_ciphertexts)
      : key(owner), plaintext(std::move(sum_of_plaintexts)), exponents(std::move(of_ciphertexts)) {
    const std::array<Integer, 2> primes = {key.p().value(), key.q().value()};
    const std::array<Integer, 2> generators = {key.generator_p()->h.value(), key.generator_q()->h.value()};
    std::array<Integer, 2> halves = {1, 1};
    for (std::size_t i = 0; i < exponents.size(); ++i) {
      const Integer square = primes[i % 2] * primes[i % 2];
      halves[i % 2] = halves[i % 2] * pow_mod_vartime(generators[i % 2], exponents[i], square) % square;
    }
    noise = combined(halves);
  }

  /// The number mod n² that is halves[0] mod p² and halves[1] mod q².
  Integer combined(const std::array<Integer, 2>& halves) const {
    const Integer p2 = key.p().value() * key.p().value();
    const Integer q2 = key.q().value() * key.q().value();
    return halves[0] + p2 * floor_mod((halves[1] - halves[0]) * invert_vartime(p2, q2), q2);
  }

  Integer product() const {
    const PublicKey& of = key.public_key();
    return (1 + plaintext * of.n()) * noise % of.n_squared();
  }

  bool agreed_to_by(const NoiseCheck& check) const {
    const std::size_t bits = key.public_key().bits();
    WordVector all;
    for (const Integer& exponent : exponents) {
      const WordVector words = words_of(exponent, bits / 2);
      all.insert(all.end(), words.begin(), words.end());
    }
    return check.agrees(product(), words_of(plaintext, bits), all) == 1;
  }

  const SecretKey& key;
  Integer plaintext;
  std::vector<Integer> exponents;
  Integer noise;
};

std::vector<Integer> random_exponents(const SecretKey& key, std::size_t ciphertexts) {
  std::vector<Integer> exponents;
  for (std::size_t i = 0; i < ciphertexts; ++i) {
    exponents.push_back(random_below(key.p().value() - 1));
    exponents.push_back(random_below(key.q().value() - 1));
  }
  return exponents;
}

}  // namespace

TEST_CASE("the product of ciphertexts is what plaintexts and exponents say") {
  const SecretKey& key = sample_key();
  const Integer& n = key.public_key().n();
  const Integer p_order = key.p().value() - 1;
  const Integer q_order = key.q().value() - 1;
  for (const Backend* const backend : supported_backends()) {
    CAPTURE(backend->name(), backend->lanes());
    const NoiseCheck check(key, *backend);
    for (const std::size_t ciphertexts : {0U, 1U, 2U, 9U}) {
      CHECK(Claim(key, random_below(n), random_exponents(key, ciphertexts)).agreed_to_by(check));
    }
    // The least and the most of everything, and sums that go around.
    for (const Integer& plaintext : {Integer(0), Integer(1), Integer(n - 1)}) {
      CHECK(Claim(key, plaintext, {0, 0}).agreed_to_by(check));
      CHECK(Claim(key, plaintext, {1, 0, p_order - 1, 1}).agreed_to_by(check));
      CHECK(Claim(key, plaintext, {p_order - 1, q_order - 1, p_order - 1, q_order - 1}).agreed_to_by(check));
    }
  }
}

TEST_CASE("anything else is not agreed to") {
  const SecretKey& key = sample_key();
  const Integer& n = key.public_key().n();
  for (const Backend* const backend : supported_backends()) {
    CAPTURE(backend->name(), backend->lanes());
    const NoiseCheck check(key, *backend);
    const Claim right(key, random_below(n - 1), random_exponents(key, 3));
    REQUIRE(right.agreed_to_by(check));

    Claim other = right;
    other.plaintext += 1;
    other.noise =
        floor_mod(right.noise * (1 - n), key.public_key().n_squared());  // so that the product stays
    REQUIRE(other.product() == right.product());
    CHECK_FALSE(other.agreed_to_by(check));

    for (std::size_t i = 0; i < right.exponents.size(); ++i) {
      for (const unsigned bit : {0U, 63U, 64U, 200U, 255U, 256U, 400U, 510U}) {
        Claim shifted = right;
        bit_flip(shifted.exponents[i], bit);
        CAPTURE(i, bit);
        CHECK_FALSE(shifted.agreed_to_by(check));
      }
    }

    // Noise that decryption would not miss: that of one half left out.
    const Integer p2 = key.p().value() * key.p().value();
    const Integer q2 = key.q().value() * key.q().value();
    Claim half = right;
    half.noise = right.combined({1, right.noise % q2});
    CHECK_FALSE(half.agreed_to_by(check));
    half.noise = right.combined({right.noise % p2, 1});
    CHECK_FALSE(half.agreed_to_by(check));
    // One half wrong by a multiple of its prime, and by one.
    for (const Integer& by : {Integer(1), key.p().value(), key.q().value()}) {
      half.noise = right.combined({(right.noise + by) % p2, right.noise % q2});
      CHECK_FALSE(half.agreed_to_by(check));
      half.noise = right.combined({right.noise % p2, (right.noise + by) % q2});
      CHECK_FALSE(half.agreed_to_by(check));
    }
  }
}
