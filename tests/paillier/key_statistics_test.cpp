// Many fresh keys: each keeps every rule, and no two share a prime. The ordinary run makes a few;
// OPALINE_TEST_KEYS=all makes 10000 of 512-bit primes and 200 of 2048 bits, which takes a while.

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <set>
#include <string>
#include <vector>

#include "opaline/base/parallel.h"
#include "opaline/bigint/primes.h"
#include "opaline/paillier/key_proof.h"
#include "opaline/paillier/keys.h"

using namespace opaline;

namespace {

bool all_of_them() {
  const char* const wanted = std::getenv("OPALINE_TEST_KEYS");
  return wanted != nullptr && std::string(wanted) == "all";
}

struct Primes {
  Integer p;
  Integer q;
};

/// The first rule that a key breaks; empty if none. Written anew from mathematics, not from what generates.
std::string broken_rule(const Primes& key, const Integer& n, std::size_t bits) {
  const auto& [p, q] = key;
  const unsigned half = static_cast<unsigned>(bits / 2);
  if (p * q != n) return "n = p q";
  if (bit_length(n) != bits) return "bits of n";
  for (const Integer& prime : {p, q}) {
    if (bit_length(prime) != half) return "bits of a prime";
    if (!bit_test(prime, half - 2)) return "second bit of a prime";
    if (prime % 4 != 3) return "3 mod 4";
    if (!is_probable_prime_vartime(prime)) return "a prime";
  }
  if (gcd_vartime(p - 1, q - 1) != 2) return "gcd(p - 1, q - 1) = 2";
  if (gcd_vartime(n, (p - 1) * (q - 1)) != 1) return "gcd(n, phi(n)) = 1";
  if (bit_length(p - q) <= half - 100) return "|p - q|";
  return "";
}

/// 2·k·r = p − 1 with k < 2^20, r prime, and h of order p − 1 mod p²: all that a generator is.
bool is_generator(const SecretKey::Generator& generator, const Integer& p) {
  const Integer h = generator.h.value();
  const Integer k = generator.k.value();
  const Integer square = p * p;
  const Integer r = (p - 1) / (2 * k);
  if (2 * k * r != p - 1 || k >= (1 << 20) || !is_probable_prime_vartime(r)) return false;
  const auto is_one = [&](const Integer& exponent) { return pow_mod_vartime(h, exponent, square) == 1; };
  if (!is_one(p - 1) || is_one((p - 1) / 2) || is_one((p - 1) / r)) return false;
  auto rest = static_cast<unsigned>(k);
  for (unsigned factor = 3; factor <= rest; factor += 2) {
    if (rest % factor != 0) continue;
    if (is_one((p - 1) / factor)) return false;
    while (rest % factor == 0) rest /= factor;
  }
  return true;
}

/// The products of neighbours, and of theirs, up to the product of all (Bernstein, "How to find smooth parts
/// of integers", 2004, section 2).
std::vector<std::vector<Integer>> product_tree(std::vector<Integer> leaves) {
  std::vector<std::vector<Integer>> levels = {std::move(leaves)};
  while (levels.back().size() > 1) {
    const std::vector<Integer>& below = levels.back();
    std::vector<Integer> level;
    for (std::size_t i = 0; i < below.size(); i += 2) {
      level.push_back(i + 1 < below.size() ? Integer(below[i] * below[i + 1]) : below[i]);
    }
    levels.push_back(std::move(level));
  }
  return levels;
}

/// How many of the moduli share a factor with another: gcd(n_i, (Π n_j mod n_i²) / n_i) ≠ 1.
std::size_t sharing(const std::vector<Integer>& moduli) {
  const auto levels = product_tree(moduli);
  std::vector<Integer> remainders = levels.back();
  for (std::size_t level = levels.size() - 1; level-- > 0;) {
    std::vector<Integer> lower;
    for (std::size_t i = 0; i < levels[level].size(); ++i) {
      lower.push_back(remainders[i / 2] % (levels[level][i] * levels[level][i]));
    }
    remainders = std::move(lower);
  }
  std::size_t count = 0;
  for (std::size_t i = 0; i < moduli.size(); ++i) {
    if (gcd_vartime(remainders[i] / moduli[i], moduli[i]) != 1) ++count;
  }
  return count;
}

void check_keys(std::size_t bits, std::size_t count) {
  std::vector<Integer> moduli(count);
  std::vector<std::string> problems(count);
  std::vector<Integer> primes(2 * count);
  parallel_for(count, [&](std::size_t i) {
    const SecretKey key = SecretKey::generate(bits);
    const Primes both{key.p().value(), key.q().value()};
    moduli[i] = key.public_key().n();
    primes[2 * i] = both.p;
    primes[2 * i + 1] = both.q;
    problems[i] = broken_rule(both, moduli[i], bits);
    if (!problems[i].empty()) return;
    if (!is_generator(key.generator_p().value(), both.p)) problems[i] = "h_p";
    if (!is_generator(key.generator_q().value(), both.q)) problems[i] = "h_q";
    if (!proves_vartime(make_key_proof(key), key.public_key())) problems[i] = "the proof";
  });
  for (std::size_t i = 0; i < count; ++i) {
    if (!problems[i].empty()) FAIL("key " << i << " breaks " << problems[i]);
  }
  CHECK(sharing(moduli) == 0);
  CHECK(std::set<Integer>(primes.begin(), primes.end()).size() == 2 * count);
  // Of the bits below the two that are set, and above the one before the last that is as well, half are set.
  double ones = 0;
  double all = 0;
  for (const Integer& prime : primes) {
    for (unsigned bit = 2; bit + 2 < bits / 2; ++bit) {
      ones += bit_test(prime, bit) ? 1 : 0;
      all += 1;
    }
  }
  const double deviation = (ones - all / 2) / std::sqrt(all / 4);
  CAPTURE(deviation);
  CHECK(std::abs(deviation) < 6);
}

}  // namespace

TEST_CASE("the search for shared factors finds them") {
  const std::vector<Integer> primes = {65537, 65539, 65543, 65551, 65557, 65563, 65579, 65581, 65587, 65599};
  CHECK(sharing({primes[0] * primes[1], primes[2] * primes[3], primes[4] * primes[5]}) == 0);
  CHECK(sharing({primes[0] * primes[1], primes[2] * primes[3], primes[4] * primes[0]}) == 2);
  CHECK(sharing({primes[0] * primes[1], primes[0] * primes[1]}) == 2);
  std::vector<Integer> many;
  for (std::size_t i = 0; i + 1 < primes.size(); i += 2) many.push_back(primes[i] * primes[i + 1]);
  CHECK(sharing(many) == 0);
  many.push_back(primes[9] * 65609);
  CHECK(sharing(many) == 2);
}

TEST_CASE("a broken rule is seen") {
  const SecretKey key = SecretKey::generate(1024);
  const Integer p = key.p().value();
  const Integer q = key.q().value();
  CHECK(broken_rule({p, q}, p * q, 1024).empty());
  CHECK(broken_rule({p, q}, p * q + 2, 1024) == "n = p q");
  CHECK(broken_rule({p, q}, p * q, 1026) == "bits of n");
  CHECK(broken_rule({p, p}, p * p, 1024) == "gcd(p - 1, q - 1) = 2");
  Integer composite = q + 4;  // 3 mod 4 as q is, and by chance another prime
  while (is_probable_prime_vartime(composite)) composite += 4;
  CHECK(broken_rule({p, composite}, p * composite, 1024) == "a prime");
  CHECK(broken_rule({p, q + 2}, p * (q + 2), 1024) == "3 mod 4");
  CHECK(is_generator(key.generator_p().value(), p));
  CHECK_FALSE(is_generator(key.generator_q().value(), p));
}

TEST_CASE("keys of 512-bit primes keep every rule, and no two share one") {
  check_keys(1024, all_of_them() ? 10000 : 60);
}

TEST_CASE("keys of 2048 bits keep every rule, and no two share a prime") {
  check_keys(2048, all_of_them() ? 200 : 4);
}
