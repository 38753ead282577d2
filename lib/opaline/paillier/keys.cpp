#include "opaline/paillier/keys.h"

#include <gmp.h>

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "opaline/base/constant_time.h"
#include "opaline/base/parallel.h"
#include "opaline/base/wiped_stack.h"
#include "opaline/bigint/prime_checks.h"
#include "opaline/bigint/primes.h"
#include "opaline/paillier/key_rules.h"

namespace opaline {
namespace {

void require(bool condition, KeyRule rule, const std::string& message) {
  if (!condition) throw InvalidKey(rule, message);
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
  require(bits >= kSmallestKeyBits && bits <= kLargestKeyBits && bits % 2 == 0, KeyRule::modulus_size,
          "a key has an even number of bits from " + std::to_string(kSmallestKeyBits) + " to " +
              std::to_string(kLargestKeyBits) + ", not " + std::to_string(bits));
}

/// |p − q| > 2^(bits/2 − 100): Fermat's method would find them otherwise (FIPS 186-5, A.1.1). 1 or 0.
Word are_far_apart(std::span<const Word> p, std::span<const Word> q, std::size_t bits) {
  WordVector difference(p.size());
  WordVector opposite(p.size());
  const Word negative = subtract(difference, p, q);
  subtract(opposite, q, p);
  assign_if(negative, difference, opposite);
  const std::size_t limit = bits / 2 - 100;
  WordVector least(p.size());
  least[limit / 64] = Word{1} << (limit % 64);
  return 1 ^ is_below(difference, least);
}

/// What p and q must be, but for being primes, in the words they need; their product.
PublicKey product_of(const WordVector& p, const WordVector& q) {
  const std::size_t p_bits = public_bit_length(p);
  const std::size_t q_bits = public_bit_length(q);
  const auto is_above_two = [](const WordVector& x, std::size_t bits) {
    return bits > 2 || (bits == 2 && declassified(x[0] & 1) == 1);
  };
  require(is_above_two(p, p_bits) && is_above_two(q, q_bits), KeyRule::prime_size,
          "the primes p and q must be larger than 2");
  require(std::max(p_bits, q_bits) <= kLargestKeyBits / 2, KeyRule::prime_size,
          "a prime is longer than " + std::to_string(kLargestKeyBits / 2) + " bits");
  require(p_bits == q_bits, KeyRule::prime_size, "p and q differ in length");
  require(declassified(is_equal(p, q)) == 0, KeyRule::different_primes, "p and q are equal");
  WordVector n(2 * p.size());
  multiply(n, p, q);
  declassify(std::span<const Word>(n));
  PublicKey key(from_words(n));
  require(p_bits == key.bits() / 2, KeyRule::prime_size, "p and q are not half as long as n");
  // gcd(n, (p − 1)(q − 1)) ≠ 1 would need p to divide q − 1 or the reverse, and so q > 2·p or p > 2·q.
  require(declassified(are_far_apart(p, q, key.bits())) == 1, KeyRule::distant_primes,
          "p and q are too close to each other");
  return key;
}

/// The greatest common divisor of odd numbers below 2^32, in as many steps whatever they are (Stein 1967).
Word odd_gcd(Word a, Word b) {
  for (int bits = 0; bits < 64; ++bits) {
    const Word odd = Word{0} - (b & 1);
    const Word difference = b - a;
    const Word is_less = (Word{0} - (difference >> 63)) & odd;
    b = (b & ~odd) | (((difference ^ is_less) - is_less) & odd);  // |b − a|, or b
    a += difference & is_less;                                    // the smaller
    b >>= 1;
  }
  return a;
}

/// Whether gcd(p − 1, q − 1) = 2, for primes p = 2·k·r + 1 with r prime, k odd below 2^20, and q likewise: r
/// divides the other's k for no size of key. 1 or 0.
Word have_coprime_orders(const SecretInteger& p, const SecretInteger& k_p, const SecretInteger& q,
                         const SecretInteger& k_q) {
  const auto times = [](const SecretInteger& prime, const SecretInteger& k) {
    WordVector order(prime.words().begin(), prime.words().end());
    order[0] ^= 1;
    WordVector product(order.size() + 1);
    multiply(product, order, k.words().first(1));
    return product;
  };
  const Word gcd = odd_gcd(k_p.words().front(), k_q.words().front());
  const Word one = 1;
  const Word same_r = is_equal(times(p, k_q), times(q, k_p));
  return is_equal({&gcd, 1}, {&one, 1}) & (1 ^ same_r);
}

/// The second-highest bit: 1 or 0.
Word second_bit(const SecretInteger& x, std::size_t bits) {
  return (x.words()[(bits - 2) / 64] >> ((bits - 2) % 64)) & 1;
}

/// Without leading zero words; its length becomes known.
WordVector normalised(const SecretInteger& x) {
  const auto words = x.words().first(words_for(public_bit_length(x.words())));
  return {words.begin(), words.end()};
}

}  // namespace

PublicKey::PublicKey(const Integer& n) {
  require(n > 0, KeyRule::positive_modulus, "the modulus n must be positive");
  const std::size_t bits = bit_length(n);
  check_key_bits(bits);
  require(bit_test(n, 0), KeyRule::odd_modulus, "the modulus n is even");
  require(!has_factor_below_2_16(n), KeyRule::no_small_factor, "the modulus n has a factor below 2^16");
  require(mpz_perfect_power_p(n.backend().data()) == 0, KeyRule::no_perfect_power,
          "the modulus n is a perfect power");
  require(!is_probable_prime_vartime(n), KeyRule::composite_modulus,
          "the modulus n is a prime, not a product of two");
  data_ = std::make_shared<const Data>(Data{n, n * n, bits, sha256(to_bytes(n))});
}

PublicKey PublicKey::with_proof(KeyProof proof, const Backend& backend) const {
  require(proves_vartime(proof, *this, backend), KeyRule::proof,
          "its proof that gcd(n, phi(n)) = 1 is none for this key");
  PublicKey result = *this;
  result.proof_ = std::make_shared<const KeyProof>(std::move(proof));
  return result;
}

SecretKey::SecretKey(SecretInteger p, SecretInteger q, PublicKey public_key) noexcept
    : p_(std::move(p)), q_(std::move(q)), public_key_(std::move(public_key)) {}

namespace {

/// A prime with what is known about it, out of GMP's hands.
struct FreshPrime {
  SecretInteger p;
  SecretInteger h;
  SecretInteger k;
};

FreshPrime fresh_prime(std::size_t bits) {
  const StructuredPrime prime = generate_structured_prime(bits);
  return {SecretInteger(prime.p), SecretInteger(generate_power_generator(prime)), SecretInteger(prime.k)};
}

bool go_together(const SecretInteger& first, const SecretInteger& second, std::size_t bits) {
  const Integer p = first.value();
  const Integer q = second.value();
  return gcd_vartime(p - 1, q - 1) == 2 && gcd_vartime(p * q, (p - 1) * (q - 1)) == 1 &&
         are_far_apart(first.words(), second.words(), bits) == 1;
}

}  // namespace

SecretKey SecretKey::generate(std::size_t bits) {
  check_key_bits(bits);
  return on_secret_stack([&] { return fresh(bits); });
}

SecretKey SecretKey::fresh(std::size_t bits) {
  std::array<FreshPrime, 2> primes;
  bool found = false;
  while (!found) {
    parallel_for(primes.size(),
                 [&](std::size_t i) { run_in_secret_thread([&] { primes[i] = fresh_prime(bits / 2); }); });
    run_in_secret_thread([&] { found = go_together(primes[0].p, primes[1].p, bits); });
  }
  auto& [first, second] = primes;
  PublicKey public_key = product_of(normalised(first.p), normalised(second.p));
  SecretKey key(std::move(first.p), std::move(second.p), std::move(public_key));
  key.generator_p_ = Generator{std::move(first.h), std::move(first.k)};
  key.generator_q_ = Generator{std::move(second.h), std::move(second.k)};
  return key;
}

SecretKey SecretKey::from_primes(SecretInteger p, SecretInteger q) {
  return on_secret_stack([&] {
    SecretKey key = of_product(p, q);
    require(is_probable_prime(key.p_.words()), KeyRule::prime_factors, "p is not prime");
    require(is_probable_prime(key.q_.words()), KeyRule::prime_factors, "q is not prime");
    return key;
  });
}

SecretKey SecretKey::from_primes(SecretInteger p, SecretInteger q, Generator generator_p,
                                 Generator generator_q) {
  return on_secret_stack([&] {
    SecretKey key = of_product(p, q);
    require(is_power_generator(generator_p.h.words(), key.p_.words(), generator_p.k.words()),
            KeyRule::generators, "h_p does not generate the p-th powers mod p^2");
    require(is_power_generator(generator_q.h.words(), key.q_.words(), generator_q.k.words()),
            KeyRule::generators, "h_q does not generate the q-th powers mod q^2");
    const std::size_t bits = key.public_key_.bits() / 2;
    require(declassified(second_bit(key.p_, bits) & second_bit(key.q_, bits)) == 1, KeyRule::top_bits,
            "the two highest bits of p and q must be set");
    require(declassified(have_coprime_orders(key.p_, generator_p.k, key.q_, generator_q.k)) == 1,
            KeyRule::coprime_orders, "p - 1 and q - 1 have more than 2 in common");
    key.generator_p_ = std::move(generator_p);
    key.generator_q_ = std::move(generator_q);
    return key;
  });
}

SecretKey SecretKey::of_product(const SecretInteger& p, const SecretInteger& q) {
  SecretInteger p_words(normalised(p));
  SecretInteger q_words(normalised(q));
  PublicKey public_key = product_of(normalised(p), normalised(q));
  return {std::move(p_words), std::move(q_words), std::move(public_key)};
}

SecretKey SecretKey::with_proof(KeyProof proof) && {
  public_key_ = public_key_.with_proof(std::move(proof));
  return std::move(*this);
}

}  // namespace opaline
