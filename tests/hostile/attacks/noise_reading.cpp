#include "hostile/attacks/noise_reading.h"

#include "opaline/bigint/primes.h"

namespace opaline::test {

std::vector<Integer> first_primes(std::size_t count) {
  std::vector<Integer> primes;
  for (Integer candidate = 2; primes.size() < count; ++candidate) {
    if (is_probable_prime_vartime(candidate)) primes.push_back(candidate);
  }
  return primes;
}

std::optional<std::vector<std::int64_t>> read_exponents(const Integer& number, const Integer& m,
                                                        const std::vector<Integer>& primes) {
  const Integer bound = sqrt(m / 2);
  // remainder ≡ cofactor · number (mod m) all the way down.
  Integer before = m;
  Integer remainder = number % m;
  Integer cofactor_before = 0;
  Integer cofactor = 1;
  while (remainder > bound) {
    const Integer quotient = before / remainder;
    before -= quotient * remainder;
    std::swap(before, remainder);
    cofactor_before -= quotient * cofactor;
    std::swap(cofactor_before, cofactor);
  }
  if (remainder == 0 || cofactor <= 0 || cofactor > bound) return std::nullopt;
  std::vector<std::int64_t> exponents;
  for (const Integer& prime : primes) {
    std::int64_t exponent = 0;
    for (; remainder % prime == 0; ++exponent) remainder /= prime;
    for (; cofactor % prime == 0; --exponent) cofactor /= prime;
    exponents.push_back(exponent);
  }
  if (remainder != 1 || cofactor != 1) return std::nullopt;
  return exponents;
}

}  // namespace opaline::test
