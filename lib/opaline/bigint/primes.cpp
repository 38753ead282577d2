#include "opaline/bigint/primes.h"

#include <gmp.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include "opaline/base/error.h"
#include "opaline/base/secret.h"

namespace opaline {
namespace {

/// GMP counts Baillie–PSW as 24 rounds; these are 16 of Miller–Rabin more. FIPS 186-5, table B.1, asks for at
/// most 5 at 1024 bits and fewer above.
constexpr int kRounds = 24 + 16;

constexpr std::uint32_t kSieveLimit = 1U << 16;
constexpr std::size_t kCofactorBits = 17;

const std::vector<std::uint32_t>& small_odd_primes() {
  static const std::vector<std::uint32_t> primes = [] {
    std::vector<bool> composite(kSieveLimit);
    std::vector<std::uint32_t> found;
    for (std::uint32_t i = 3; i < kSieveLimit; i += 2) {
      if (composite[i]) continue;
      found.push_back(i);
      for (std::uint64_t j = std::uint64_t{i} * i; j < kSieveLimit; j += std::uint64_t{2} * i)
        composite[j] = true;
    }
    return found;
  }();
  return primes;
}

std::uint32_t residue(const Integer& x, std::uint32_t prime) {
  return static_cast<std::uint32_t>(mpz_fdiv_ui(x.backend().data(), prime));
}

/// The first i < count for which start + i·step is prime: a sieve by small primes, then the real test
/// (incremental search: Brandt, Damgård 1992). start is odd, step even.
std::optional<std::size_t> first_prime(const Integer& start, const Integer& step, std::size_t count) {
  SecretVector<std::uint8_t> composite(count);  // which tells the prime modulo small ones
  for (const std::uint32_t prime : small_odd_primes()) {
    const std::uint32_t step_residue = residue(step, prime);
    std::uint64_t at = residue(start, prime);
    if (step_residue == 0) continue;
    for (std::size_t i = 0; i < count; ++i) {
      if (at == 0) composite[i] = 1;
      at += step_residue;
      if (at >= prime) at -= prime;
    }
  }
  for (std::size_t i = 0; i < count; ++i) {
    if (composite[i] != 0) continue;
    const Integer candidate = start + step * i;
    if (is_probable_prime_vartime(candidate)) return i;
  }
  return std::nullopt;
}

Integer power_of_two(std::size_t exponent) { return Integer(1) << static_cast<unsigned>(exponent); }

Integer random_prime(std::size_t bits) {
  const std::size_t count = 4 * bits;
  while (true) {
    const Integer half = power_of_two(bits - 1);
    const Integer start = half + random_below(half - 2 * count) / 2 * 2 + 1;
    const auto found = first_prime(start, 2, count);
    if (found) return start + 2 * Integer(*found);
  }
}

/// The distinct prime factors of x < 2^20.
std::vector<Integer> factors(std::uint32_t x) {
  std::vector<Integer> found;
  for (std::uint32_t divisor = 2; divisor * divisor <= x; ++divisor) {
    if (x % divisor != 0) continue;
    found.emplace_back(divisor);
    while (x % divisor == 0) x /= divisor;
  }
  if (x > 1) found.emplace_back(x);
  return found;
}

/// Whether g generates the whole multiplicative group mod p, p − 1 = 2·k·r, r prime.
bool is_primitive_root(const Integer& g, const Integer& p, const Integer& k, const Integer& r) {
  std::vector<Integer> divisors = factors(k.convert_to<std::uint32_t>());
  divisors.emplace_back(2);
  divisors.push_back(r);
  return std::all_of(divisors.begin(), divisors.end(),
                     [&](const Integer& divisor) { return pow_mod(g, (p - 1) / divisor, p) != 1; });
}

}  // namespace

bool is_probable_prime_vartime(const Integer& x) {
  return x > 1 && mpz_probab_prime_p(x.backend().data(), kRounds) > 0;
}

StructuredPrime generate_structured_prime(std::size_t bits) {
  if (bits < 256 || bits > 4096) throw Error(ErrorKind::invalid_argument, "primes have 256 to 4096 bits");
  while (true) {
    const Integer r = random_prime(bits - kCofactorBits);
    const Integer two_r = 2 * r;
    // 3/4·2^bits ≤ 2·k·r + 1 < 2^bits, k odd, from a random place on.
    const Integer lowest = 3 * power_of_two(bits - 2) / two_r + 1;
    const Integer highest = (power_of_two(bits) - 2) / two_r;
    const std::size_t count = 2 * bits;
    Integer k = (lowest + random_below(highest - lowest)) | 1;
    const Integer start = two_r * k + 1;
    const Integer step = 2 * two_r;
    const auto found = first_prime(start, step, count);
    if (!found) continue;
    k += 2 * Integer(*found);
    if (k > highest) continue;
    return {two_r * k + 1, r, k};
  }
}

Integer generate_power_generator(const StructuredPrime& prime) {
  const Integer& p = prime.p;
  while (true) {
    const Integer root = 2 + random_below(p - 3);
    if (is_primitive_root(root, p, prime.k, prime.r)) {
      return pow_mod(root, p, p * p);
    }
  }
}

}  // namespace opaline
