#include "opaline/bigint/primes.h"

#include <catch2/catch.hpp>

#include "opaline/bigint/prime_checks.h"
#include "opaline/bigint/secret_integer.h"
#include "support/error_kind.h"

using namespace opaline;
using opaline::test::kind_of;

namespace {

const StructuredPrime& sample() {
  static const StructuredPrime prime = generate_structured_prime(256);
  return prime;
}

/// What GMP says and what is said in constant time, on every backend.
bool is_prime(const Integer& x) {
  const bool expected = is_probable_prime_vartime(x);
  if (x >= 0) {
    for (const Backend* const backend : backends()) {
      if (!backend->supported()) continue;
      CAPTURE(x, backend->name());
      CHECK(is_probable_prime(SecretInteger(x).words(), *backend) == expected);
    }
  }
  return expected;
}

bool proves(const Integer& h, const Integer& p, const Integer& k) {
  const SecretInteger h_words(h);
  const SecretInteger p_words(p);
  const SecretInteger k_words(k);
  const bool first = is_power_generator(h_words.words(), p_words.words(), k_words.words());
  CHECK(is_power_generator(h_words.words(), p_words.words(), k_words.words(), backend("portable")) == first);
  return first;
}

/// n! and n# are too friendly; a product of the twin-like factors 6k+1, 12k+1, 18k+1 is Carmichael when all
/// three are prime (Chernick 1939).
Integer chernick(unsigned k) { return Integer(6 * k + 1) * (12 * k + 1) * (18 * k + 1); }

}  // namespace

TEST_CASE("known primes are primes") {
  for (const unsigned p : {2U, 3U, 5U, 7U, 97U, 65537U, 4294967291U}) CHECK(is_prime(p));
  for (const unsigned exponent : {61U, 89U, 107U, 127U, 521U, 607U, 1279U, 2203U}) {  // Mersenne
    CHECK(is_prime((Integer(1) << exponent) - 1));
  }
  CHECK(is_prime((Integer(1) << 255) - 19));
}

TEST_CASE("composites are not primes, whatever they look like") {
  for (const int x : {-7, -2, -1, 0, 1, 4, 9, 15, 91}) CHECK_FALSE(is_prime(x));
  // Carmichael numbers.
  for (const unsigned x : {561U, 1105U, 1729U, 2465U, 2821U, 6601U, 8911U, 41041U, 825265U, 321197185U}) {
    CHECK_FALSE(is_prime(x));
  }
  for (const unsigned k : {1U, 6U, 35U, 45U, 51U, 55U, 56U}) CHECK_FALSE(is_prime(chernick(k)));
  // The least strong pseudoprimes to the first 1, 2, … prime bases (Jaeschke 1993).
  for (const char* const x : {"2047", "1373653", "25326001", "3215031751", "2152302898747", "3474749660383",
                              "341550071728321", "3825123056546413051"}) {
    CHECK_FALSE(is_prime(Integer(x)));
  }
  // Strong Lucas pseudoprimes.
  for (const unsigned x : {5459U, 5777U, 10877U, 16109U, 18971U}) CHECK_FALSE(is_prime(x));
  // Squares of primes, Mersenne and Fermat numbers that are none.
  CHECK_FALSE(is_prime(Integer(1093) * 1093));
  CHECK_FALSE(is_prime(Integer(3511) * 3511));
  CHECK_FALSE(is_prime((Integer(1) << 67) - 1));
  CHECK_FALSE(is_prime((Integer(1) << 257) - 1));
  CHECK_FALSE(is_prime((Integer(1) << 128) + 1));
  // Two primes of one size.
  CHECK_FALSE(is_prime(((Integer(1) << 521) - 1) * ((Integer(1) << 607) - 1)));
}

TEST_CASE("structured primes are what they say") {
  for (const std::size_t bits : {256U, 257U, 512U, 1024U}) {
    CAPTURE(bits);
    const StructuredPrime prime = generate_structured_prime(bits);
    const Integer& p = prime.p;
    const Integer& r = prime.r;
    const Integer& k = prime.k;
    CHECK(bit_length(p) == bits);
    CHECK(bit_test(p, static_cast<unsigned>(bits - 2)));
    CHECK(p % 4 == 3);
    CHECK(2 * k * r + 1 == p);
    CHECK(k % 2 == 1);
    CHECK(k > 0);
    CHECK(k < 1 << 20);
    CHECK(is_prime(p));
    CHECK(is_prime(r));
    CHECK(bit_length(r) >= bits - 20);
  }
}

TEST_CASE("structured primes differ each time") {
  CHECK(generate_structured_prime(256).p != generate_structured_prime(256).p);
}

TEST_CASE("structured primes of other sizes are refused") {
  for (const std::size_t bits : {0U, 1U, 255U, 4097U}) {
    CHECK(kind_of([&] { generate_structured_prime(bits); }) == ErrorKind::invalid_argument);
  }
}

TEST_CASE("a generator has the order p − 1, and the proof accepts it") {
  const Integer& p = sample().p;
  const Integer& k = sample().k;
  const Integer& r = sample().r;
  const Integer h = generate_power_generator(sample());
  CHECK(proves(h, p, k));
  CHECK(h < p * p);
  CHECK(pow_mod(h, p - 1, p * p) == 1);
  CHECK(pow_mod(h, (p - 1) / 2, p * p) != 1);
  CHECK(pow_mod(h, (p - 1) / r, p * p) != 1);
  Integer rest = k;
  for (Integer d = 3; rest > 1; d += 2) {
    if (rest % d != 0) continue;
    CHECK(pow_mod(h, (p - 1) / d, p * p) != 1);
    while (rest % d == 0) rest /= d;
  }
}

TEST_CASE("a generator to a power prime to p − 1 is one, to any other it is not") {
  const Integer& p = sample().p;
  const Integer& k = sample().k;
  const Integer& r = sample().r;
  const Integer h = generate_power_generator(sample());
  Integer e = 5;
  while (gcd_vartime(e, p - 1) != 1) e += 2;
  CHECK(proves(pow_mod(h, e, p * p), p, k));
  CHECK_FALSE(proves(pow_mod(h, 2, p * p), p, k));
  CHECK_FALSE(proves(pow_mod(h, k, p * p), p, k));
  CHECK_FALSE(proves(pow_mod(h, r, p * p), p, k));
}

TEST_CASE("what is no generator is refused") {
  const Integer& p = sample().p;
  const Integer& k = sample().k;
  const Integer h = generate_power_generator(sample());
  for (const Integer& bad : {Integer(0), Integer(1), p, Integer(p + 1), Integer(p * p - 1),
                             Integer(h * (1 + p) % (p * p)), Integer(h % p), Integer(h + p * p)}) {
    CAPTURE(bad);
    CHECK_FALSE(proves(bad, p, k));
  }
}

TEST_CASE("a wrong cofactor is refused") {
  const Integer& p = sample().p;
  const Integer& k = sample().k;
  const Integer h = generate_power_generator(sample());
  for (const Integer& bad : {Integer(0), Integer(k + 1), Integer(k + 2), Integer(2 * k), Integer(1) << 20,
                             Integer(1) << 200, sample().r}) {
    CAPTURE(bad);
    CHECK_FALSE(proves(h, p, bad));
  }
  if (k > 1) CHECK_FALSE(proves(h, p, 1));
}

TEST_CASE("no number generates anything when p is composite") {
  // p = 2·k·r + 1 composite with r prime: everything but p is right.
  const Integer& r = sample().r;
  int tried = 0;
  for (unsigned k = 1; tried < 5; k += 2) {
    const Integer p = 2 * Integer(k) * r + 1;
    if (is_prime(p)) continue;
    ++tried;
    for (const unsigned root : {2U, 3U, 5U, 7U, 11U}) {
      CHECK_FALSE(proves(pow_mod(root, p, p * p), p, k));
    }
  }
  for (const int p : {0, 1, 2, 3, 5, 8}) CHECK_FALSE(proves(2, p, 1));
  // 15 = 2·1·7 + 1, and 6^15 = 6 mod 15 as if 15 were prime.
  CHECK_FALSE(proves(pow_mod(6, 15, 225), 15, 1));
}

TEST_CASE("small primes with known primitive roots") {
  CHECK(proves(pow_mod(3, 7, 49), 7, 1));            // 7 = 2·1·3 + 1, root 3
  CHECK_FALSE(proves(pow_mod(2, 7, 49), 7, 1));      // 2 has order 3
  CHECK(proves(pow_mod(2, 11, 121), 11, 1));         // 11 = 2·1·5 + 1, root 2
  CHECK_FALSE(proves(pow_mod(3, 11, 121), 11, 1));   // 3 has order 5
  CHECK(proves(pow_mod(3, 31, 961), 31, 3));         // 31 = 2·3·5 + 1, root 3
  CHECK_FALSE(proves(pow_mod(2, 31, 961), 31, 3));   // 2 has order 5
  CHECK_FALSE(proves(pow_mod(3, 43, 1849), 43, 5));  // 5 does not divide 42
}
