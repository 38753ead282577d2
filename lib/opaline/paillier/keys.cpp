#include "opaline/paillier/keys.h"

#include <gmp.h>

#include <array>
#include <string>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/base/parallel.h"
#include "opaline/bigint/primes.h"

namespace opaline {
namespace {

void require(bool condition, const std::string& rule) {
  if (!condition) throw Error(ErrorKind::invalid_key, rule);
}

bool has_factor_below_2_16(const Integer& n) {
  static const Integer all_primes = [] {
    Integer product;
    mpz_primorial_ui(product.backend().data(), (1U << 16) - 1);
    return product;
  }();
  return gcd_vartime(all_primes % n, n) != 1;
}

void check_key_bits(std::size_t bits) {
  require(bits >= kSmallestKeyBits && bits <= kLargestKeyBits && bits % 2 == 0,
          "a key has an even number of bits from " + std::to_string(kSmallestKeyBits) + " to " +
              std::to_string(kLargestKeyBits) + ", not " + std::to_string(bits));
}

/// |p − q| > 2^(bits/2 − 100): Fermat's method would find them otherwise (FIPS 186-5, A.1.1).
bool far_apart(const Integer& p, const Integer& q, std::size_t bits) {
  return bit_length(p - q) > bits / 2 - 100;
}

}  // namespace

PublicKey::PublicKey(const Integer& n) {
  require(n > 0, "the modulus n must be positive");
  const std::size_t bits = bit_length(n);
  check_key_bits(bits);
  require(bit_test(n, 0), "the modulus n is even");
  require(!has_factor_below_2_16(n), "the modulus n has a factor below 2^16");
  require(mpz_perfect_power_p(n.backend().data()) == 0, "the modulus n is a perfect power");
  require(!is_probable_prime_vartime(n), "the modulus n is a prime, not a product of two");
  data_ = std::make_shared<const Data>(Data{n, n * n, bits, sha256(to_bytes(n))});
}

SecretKey::SecretKey(SecretInteger p, SecretInteger q, PublicKey public_key) noexcept
    : p_(std::move(p)), q_(std::move(q)), public_key_(std::move(public_key)) {}

SecretKey SecretKey::generate(std::size_t bits) {
  check_key_bits(bits);
  while (true) {
    std::array<StructuredPrime, 2> primes;
    parallel_for(primes.size(), [&](std::size_t i) { primes[i] = generate_structured_prime(bits / 2); });
    auto& [first, second] = primes;
    const Integer& p = first.p.get();
    const Integer& q = second.p.get();
    const Integer n = p * q;
    if (gcd_vartime(p - 1, q - 1) != 2 || gcd_vartime(n, (p - 1) * (q - 1)) != 1 || !far_apart(p, q, bits))
      continue;
    Generator generator_p{generate_power_generator(first), std::move(first.k)};
    Generator generator_q{generate_power_generator(second), std::move(second.k)};
    SecretKey key(std::move(first.p), std::move(second.p), PublicKey(n));
    key.generator_p_ = std::move(generator_p);
    key.generator_q_ = std::move(generator_q);
    return key;
  }
}

SecretKey SecretKey::from_primes(SecretInteger secret_p, SecretInteger secret_q) {
  const Integer& p = secret_p.get();
  const Integer& q = secret_q.get();
  require(p > 2 && q > 2, "the primes p and q must be larger than 2");
  require(bit_length(p) <= kLargestKeyBits / 2 && bit_length(q) <= kLargestKeyBits / 2,
          "a prime is longer than " + std::to_string(kLargestKeyBits / 2) + " bits");
  require(p != q, "p and q are equal");
  require(bit_length(p) == bit_length(q), "p and q differ in length");
  const Integer n = p * q;
  const std::size_t bits = bit_length(n);
  PublicKey public_key(n);
  require(bit_length(p) == bits / 2, "p and q are not half as long as n");
  require(is_probable_prime_vartime(p), "p is not prime");
  require(is_probable_prime_vartime(q), "q is not prime");
  require(gcd_vartime(n, (p - 1) * (q - 1)) == 1, "n shares a factor with (p - 1)(q - 1)");
  require(far_apart(p, q, bits), "p and q are too close to each other");
  return {std::move(secret_p), std::move(secret_q), std::move(public_key)};
}

SecretKey SecretKey::from_primes(SecretInteger p, SecretInteger q, Generator generator_p,
                                 Generator generator_q) {
  SecretKey key = from_primes(std::move(p), std::move(q));
  require(is_power_generator_vartime(generator_p.h.get(), key.p(), generator_p.k.get()),
          "h_p does not generate the p-th powers mod p^2");
  require(is_power_generator_vartime(generator_q.h.get(), key.q(), generator_q.k.get()),
          "h_q does not generate the q-th powers mod q^2");
  key.generator_p_ = std::move(generator_p);
  key.generator_q_ = std::move(generator_q);
  return key;
}

}  // namespace opaline
