#include "opaline/paillier/keys.h"

#include <catch2/catch.hpp>
#include <string>

#include "opaline/bigint/prime_checks.h"
#include "opaline/bigint/primes.h"
#include "sample_keys.h"
#include "support/error_kind.h"

using namespace opaline;
using namespace opaline::test;

namespace {

Integer power_of_two(unsigned exponent) { return Integer(1) << exponent; }

/// A prime of `bits` bits with its top two bits set.
Integer random_prime(unsigned bits) {
  const Integer quarter = power_of_two(bits - 2);
  return prime_from(3 * quarter + random_below(quarter - power_of_two(bits / 2)));
}

/// In the uppermost eighth of its length, so that the product of three still has all the bits there can be,
/// and the same with two such and one of random_prime.
Integer large_prime(unsigned bits) {
  return prime_from(7 * power_of_two(bits - 3) + random_below(power_of_two(bits - 4)));
}

template <typename Action>
void check_refused(const Action& action, const std::string& why) {
  const auto error = error_of(action);
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::invalid_key);
  CAPTURE(error->what());
  CHECK(std::string(error->what()).find(why) != std::string::npos);
}

void check_modulus_refused(const Integer& n, const std::string& why) {
  check_refused([&] { const PublicKey key(n); }, why);
}

void check_primes_refused(const Integer& p, const Integer& q, const std::string& why) {
  check_refused([&] { SecretKey::from_primes(SecretInteger(p), SecretInteger(q)); }, why);
}

SecretKey::Generator generator(const Integer& h, const Integer& k) {
  return {SecretInteger(h), SecretInteger(k)};
}

/// The sample key from its parts, some of them replaced.
SecretKey with_generators(SecretKey::Generator p, SecretKey::Generator q) {
  return SecretKey::from_primes(SecretInteger(sample_key().p().value()),
                                SecretInteger(sample_key().q().value()), std::move(p), std::move(q));
}

}  // namespace

TEST_CASE("a generated key keeps every rule") {
  for (const std::size_t bits : {1024U, 1026U}) {
    const SecretKey key = SecretKey::generate(bits);
    const Integer& p = key.p().value();
    const Integer& q = key.q().value();
    const PublicKey& pub = key.public_key();
    CHECK(pub.n() == p * q);
    CHECK(pub.n_squared() == pub.n() * pub.n());
    CHECK(pub.bits() == bits);
    CHECK(bit_length(pub.n()) == bits);
    CHECK(is_probable_prime_vartime(p));
    CHECK(is_probable_prime_vartime(q));
    for (const Integer& prime : {p, q}) {
      CHECK(bit_length(prime) == bits / 2);
      CHECK(bit_test(prime, static_cast<unsigned>(bits / 2 - 2)));
      CHECK(prime % 4 == 3);
    }
    CHECK(gcd_vartime(p - 1, q - 1) == 2);
    CHECK(gcd_vartime(pub.n(), (p - 1) * (q - 1)) == 1);
    CHECK(bit_length(p - q) > bits / 2 - 100);
    REQUIRE(key.generator_p());
    REQUIRE(key.generator_q());
    CHECK(is_power_generator(key.generator_p()->h.words(), key.p().words(), key.generator_p()->k.words()));
    CHECK(is_power_generator(key.generator_q()->h.words(), key.q().words(), key.generator_q()->k.words()));
    CHECK(PublicKey(pub.n()) == pub);
  }
}

TEST_CASE("generated keys differ") { CHECK(sample_key().public_key() != other_key().public_key()); }

TEST_CASE("keys of other sizes are refused") {
  for (const std::size_t bits : {0U, 1U, 1022U, 1023U, 1025U, 3071U, 8191U, 8194U}) {
    check_refused([&] { SecretKey::generate(bits); }, "not " + std::to_string(bits));
  }
}

TEST_CASE("the fingerprint is the digest of the modulus") {
  const PublicKey& key = sample_key().public_key();
  CHECK(key.fingerprint() == sha256(to_bytes(key.n(), 128)));
  CHECK(key.fingerprint() != other_key().public_key().fingerprint());
  CHECK(key.ciphertext_bytes() == 256);
}

TEST_CASE("every rule for a modulus has its own refusal") {
  const Integer& n = sample_key().public_key().n();
  check_modulus_refused(0, "must be positive");
  check_modulus_refused(-n, "must be positive");
  check_modulus_refused(n - 1, "is even");
  check_modulus_refused(1, "from 1024 to 8192, not 1");
  check_modulus_refused(power_of_two(1021) + 1, "from 1024 to 8192, not 1022");
  check_modulus_refused(power_of_two(8193) + 1, "from 1024 to 8192, not 8194");
  check_modulus_refused(power_of_two(1024) + 1, "even number of bits from 1024 to 8192, not 1025");
  for (const unsigned factor : {3U, 5U, 257U, 65519U, 65521U}) {  // 65521 is the last prime below 2^16
    const Integer cofactor = prime_from(power_of_two(1023) / factor + random_below(power_of_two(900)));
    check_modulus_refused(cofactor * factor, "has a factor below 2^16");
  }
  const Integer p = random_prime(512);
  check_modulus_refused(p * p, "is a perfect power");
  const Integer root = large_prime(342);
  check_modulus_refused(root * root * root, "is a perfect power");
  check_modulus_refused(power_of_two(1024) - 105, "is a prime");
}

TEST_CASE("a modulus whose factors are just above 2^16 is not caught by trial division") {
  // What PublicKey cannot know, it does not claim: 65537 is above its limit.
  const Integer n = prime_from(power_of_two(1023) / 65537 + random_below(power_of_two(900))) * 65537;
  CHECK(PublicKey(n).n() == n);
}

TEST_CASE("every rule for primes has its own refusal") {
  const Integer p = random_prime(512);
  const Integer q = random_prime(512);
  CHECK(SecretKey::from_primes(SecretInteger(p), SecretInteger(q)).public_key().n() == p * q);
  CHECK_FALSE(SecretKey::from_primes(SecretInteger(p), SecretInteger(q)).generator_p());

  check_primes_refused(p, p, "p and q are equal");
  check_primes_refused(p, random_prime(511), "p and q differ in length");
  check_primes_refused(random_prime(513), q, "p and q differ in length");
  check_primes_refused(0, q, "must be larger than 2");
  check_primes_refused(2, q, "must be larger than 2");
  check_primes_refused(1, 1, "must be larger than 2");
  check_primes_refused(random_prime(256), random_prime(256), "from 1024 to 8192, not 512");
  check_primes_refused(power_of_two(4096) + 1, power_of_two(4096) + 3, "longer than 4096 bits");
  // The smallest primes of 512 bits have a product of 1023.
  const Integer small = prime_from(power_of_two(511));
  check_primes_refused(small, prime_from(small + power_of_two(450)), "even number of bits");
  check_primes_refused(p, p - 1, "is even");
  const Integer composite = large_prime(256) * large_prime(256);
  REQUIRE(bit_length(composite) == 512);
  check_primes_refused(composite, q, "p is not prime");
  check_primes_refused(p, composite, "q is not prime");
  check_primes_refused(p, prime_from(p + 2), "too close");
  check_primes_refused(p, prime_from(p + power_of_two(410)), "too close");
  // gcd(n, (p − 1)(q − 1)) ≠ 1 needs p | q − 1, so q ≥ 2·p + 1, or the reverse: no two primes of one length
  // do that, and unequal lengths are refused above.
}

TEST_CASE("p and q far enough apart by a little are accepted") {
  const Integer p = 3 * power_of_two(510) + random_below(power_of_two(500));
  const Integer p_prime = prime_from(p);
  const Integer q_prime = prime_from(p_prime + power_of_two(413));
  CHECK(SecretKey::from_primes(SecretInteger(p_prime), SecretInteger(q_prime)).p().value() == p_prime);
}

TEST_CASE("generators are proved before they are believed") {
  const SecretKey& key = sample_key();
  const Integer& h_p = key.generator_p()->h.value();
  const Integer& k_p = key.generator_p()->k.value();
  const Integer& h_q = key.generator_q()->h.value();
  const Integer& k_q = key.generator_q()->k.value();
  const Integer p_squared = key.p().value() * key.p().value();
  const SecretKey same = with_generators(generator(h_p, k_p), generator(h_q, k_q));
  CHECK(same.generator_p()->h.value() == h_p);
  CHECK(same.generator_q()->k.value() == k_q);

  const std::string about_p = "h_p does not generate";
  const std::string about_q = "h_q does not generate";
  check_refused([&] { with_generators(generator(h_q, k_q), generator(h_p, k_p)); }, about_p);
  for (const Integer& bad : {Integer(0), Integer(1), Integer(h_p + 1), Integer(h_p * h_p % p_squared),
                             Integer(h_p * (1 + key.p().value()) % p_squared), Integer(h_p + p_squared)}) {
    check_refused([&] { with_generators(generator(bad, k_p), generator(h_q, k_q)); }, about_p);
  }
  for (const Integer& bad :
       {Integer(0), Integer(k_p + 1), Integer(k_p + 2), power_of_two(20), power_of_two(400)}) {
    check_refused([&] { with_generators(generator(h_p, bad), generator(h_q, k_q)); }, about_p);
  }
  check_refused([&] { with_generators(generator(h_p, k_p), generator(h_q + 1, k_q)); }, about_q);
  check_refused([&] { with_generators(generator(h_p, k_p), generator(h_q, k_q + 2)); }, about_q);
}

TEST_CASE("a secret key that has moved is whole where it is") {
  SecretKey key = SecretKey::from_primes(SecretInteger(sample_key().p().value()),
                                         SecretInteger(sample_key().q().value()));
  SecretKey moved(std::move(key));
  CHECK(moved.p().value() == sample_key().p().value());
  CHECK(moved.q().value() == sample_key().q().value());
  CHECK(moved.public_key() == sample_key().public_key());
}
