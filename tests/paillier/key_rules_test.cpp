// Every rule of mathematics for keys that can be looked at when one is read is looked at, and has a name.

#include "opaline/paillier/key_rules.h"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "opaline/bigint/primes.h"
#include "opaline/paillier/key_files.h"
#include "opaline/paillier/key_proof.h"
#include "sample_keys.h"

using namespace opaline;
using namespace opaline::test;

namespace {

using Json = nlohmann::json;

Integer power_of_two(unsigned exponent) { return Integer(1) << exponent; }

Integer prime(unsigned bits) {
  return prime_from(7 * power_of_two(bits - 3) + random_below(power_of_two(bits - 4)));
}

std::string digits(const Integer& x) { return to_base64url(to_bytes(x)); }

Json public_json(const Integer& n) { return {{"kty", "DAJ"}, {"alg", "PAI-GN1"}, {"n", digits(n)}}; }

Json secret_json(const Integer& p, const Integer& q) {
  return {{"kty", "DAJ"}, {"p", digits(p)}, {"q", digits(q)}, {"pub", public_json(p * q)}};
}

/// The rule that reading the file says is broken, if any.
template <typename Read>
std::optional<KeyRule> broken(const Json& document, const Read& read) {
  const std::string text = document.dump();
  try {
    read(as_bytes(text), "k.json");
  } catch (const InvalidKey& error) {
    CAPTURE(error.what());
    CHECK(error.kind() == ErrorKind::invalid_key);
    CHECK(std::string(error.what()).rfind("k.json: ", 0) == 0);
    return error.rule();
  }
  return std::nullopt;
}

std::optional<KeyRule> broken_by(const Integer& n) {
  return broken(public_json(n), [](ByteView text, const char* name) { public_key_from_json(text, name); });
}

std::optional<KeyRule> broken_by_secret(const Json& document) {
  return broken(document, [](ByteView text, const char* name) { secret_key_from_json(text, name); });
}

std::optional<KeyRule> broken_by(const Integer& p, const Integer& q) {
  return broken_by_secret(secret_json(p, q));
}

}  // namespace

TEST_CASE("each rule for a modulus is named by a file that breaks it") {
  const Integer p = prime(512);
  const Integer q = prime(512);
  CHECK_FALSE(broken_by(p * q));
  CHECK(broken_by(0) == KeyRule::positive_modulus);
  CHECK(broken_by(1) == KeyRule::modulus_size);
  CHECK(broken_by(prime(500) * prime(500)) == KeyRule::modulus_size);
  CHECK(broken_by(power_of_two(1024) + 1) == KeyRule::modulus_size);
  CHECK(broken_by(p * q - 1) == KeyRule::odd_modulus);
  CHECK(broken_by(prime_from(power_of_two(1023) / 65521 + random_below(power_of_two(900))) * 65521) ==
        KeyRule::no_small_factor);
  CHECK(broken_by(p * p) == KeyRule::no_perfect_power);
  CHECK(broken_by(power_of_two(1024) - 105) == KeyRule::composite_modulus);
}

TEST_CASE("each rule for primes is named by a file that breaks it") {
  const Integer p = prime(512);
  const Integer q = prime(512);
  CHECK_FALSE(broken_by(p, q));
  CHECK(broken_by(p, 0) == KeyRule::prime_size);
  CHECK(broken_by(1, p * q) == KeyRule::prime_size);
  CHECK(broken_by(prime(520), prime(504)) == KeyRule::prime_size);
  CHECK(broken_by(p, p) == KeyRule::different_primes);
  CHECK(broken_by(prime(256) * prime(256), q) == KeyRule::prime_factors);
  CHECK(broken_by(p, prime(256) * prime(256)) == KeyRule::prime_factors);
  CHECK(broken_by(p, prime_from(p + 2)) == KeyRule::distant_primes);
  CHECK(broken_by(p, p - 1) == KeyRule::odd_modulus);  // what is wrong with n is found as well
  Json other = secret_json(p, q);
  other["pub"]["n"] = digits(p * prime(512));
  CHECK(broken_by_secret(other) == KeyRule::product);
}

TEST_CASE("generators and proofs that are there have to be right") {
  const SecretBytes text = to_json(sample_key());
  const Json sound = Json::parse(text.begin(), text.end());
  CHECK_FALSE(broken_by_secret(sound));
  for (const char* const member : {"h_p", "h_q", "k_p", "k_q"}) {
    Json changed = sound;
    changed["opaline"][member] = digits(3);
    CHECK(broken_by_secret(changed) == KeyRule::generators);
  }
  Json with_proof = sound;
  with_proof["pub"]["opaline"]["proof"] = to_base64url(make_key_proof(sample_key()).roots);
  CHECK_FALSE(broken_by_secret(with_proof));
  with_proof["pub"]["opaline"]["proof"] = to_base64url(make_key_proof(other_key()).roots);
  CHECK(broken_by_secret(with_proof) == KeyRule::proof);
  CHECK(broken(with_proof["pub"],
               [](ByteView json, const char* name) { public_key_from_json(json, name); }) == KeyRule::proof);
}

namespace {

/// A prime 2·k·r + 1 with that k and r at random, of 512 bits from `lowest` on.
StructuredPrime structured_prime(const Integer& k, const Integer& lowest) {
  Integer r = lowest / (2 * k) + random_below(power_of_two(480));
  while (true) {
    r = prime_from(r + 1);
    if (is_probable_prime_vartime(2 * k * r + 1)) return {2 * k * r + 1, r, k};
  }
}

Json with_generators(const StructuredPrime& p, const StructuredPrime& q) {
  Json document = secret_json(p.p, q.p);
  document["opaline"] = {{"h_p", digits(generate_power_generator(p))},
                         {"h_q", digits(generate_power_generator(q))},
                         {"k_p", digits(p.k)},
                         {"k_q", digits(q.k)}};
  return document;
}

}  // namespace

TEST_CASE("keys with generators keep the rules of our own making") {
  const Integer lowest = 3 * power_of_two(510);
  const Integer farther = 7 * power_of_two(509);
  const StructuredPrime q = structured_prime(15, farther);
  CHECK_FALSE(broken_by_secret(with_generators(structured_prime(77, lowest), q)));
  CHECK_FALSE(broken_by_secret(with_generators(structured_prime(1, lowest), q)));
  CHECK_FALSE(broken_by_secret(with_generators(structured_prime(1048573, lowest), q)));
  for (const int k : {3, 5, 15, 45, 1048575}) {
    CAPTURE(k);
    CHECK(broken_by_secret(with_generators(structured_prime(k, lowest), q)) == KeyRule::coprime_orders);
  }
  CHECK(broken_by_secret(with_generators(structured_prime(77, 5 * power_of_two(509)), q)) ==
        KeyRule::top_bits);
  CHECK(broken_by_secret(with_generators(q, structured_prime(77, 5 * power_of_two(509)))) ==
        KeyRule::top_bits);

  // One r in both primes, their k coprime.
  Integer r = lowest / power_of_two(20);
  while (true) {
    r = prime_from(r + 1);
    std::vector<Integer> ks;
    for (Integer k = power_of_two(19) + 1; k < power_of_two(20) && ks.size() < 2; k += 2) {
      if (bit_length(2 * k * r + 1) != 512 || !bit_test(Integer(2 * k * r + 1), 510)) continue;
      if (!is_probable_prime_vartime(2 * k * r + 1)) continue;
      if (ks.empty() || gcd_vartime(ks[0], k) == 1) ks.push_back(k);
    }
    if (ks.size() < 2) continue;
    const StructuredPrime first = {2 * ks[0] * r + 1, r, ks[0]};
    const StructuredPrime second = {2 * ks[1] * r + 1, r, ks[1]};
    CHECK(broken_by_secret(with_generators(first, second)) == KeyRule::coprime_orders);
    break;
  }
}

TEST_CASE("rules for keys of our own making are no rules for others") {
  // p ≡ q ≡ 1 (mod 4), gcd(p − 1, q − 1) > 2, second bits unset: what ISO/IEC 18033-6 and python-paillier
  // make is as good a key (only noise of Damgård, Jurik and Nielsen wants more).
  const auto one_mod_12 = [](Integer x) {
    x -= x % 12;
    ++x;
    while (!is_probable_prime_vartime(x)) x += 12;
    return x;
  };
  const Integer p = one_mod_12(power_of_two(511) + power_of_two(510) - random_below(power_of_two(500)));
  const Integer q = one_mod_12(7 * power_of_two(509) + random_below(power_of_two(500)));
  REQUIRE(gcd_vartime(p - 1, q - 1) % 12 == 0);
  REQUIRE_FALSE(bit_test(p, 510));
  CHECK_FALSE(broken_by(p, q));
}
