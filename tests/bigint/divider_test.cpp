#include "opaline/bigint/divider.h"

#include <catch2/catch.hpp>
#include <vector>

#include "opaline/bigint/integer.h"
#include "opaline/bigint/kernels/radix_square.h"
#include "operands.h"

using namespace opaline;
using opaline::test::Numbers;
using opaline::test::power_of_two;
using opaline::test::words_of;

namespace {

void check_division(const Divider& divider, const Integer& d, const Integer& x) {
  CAPTURE(d, x);
  const std::size_t n = divider.size();
  WordVector q(n);
  WordVector r(n);
  divider.divide(q, r, words_of(x, 2 * n));
  REQUIRE(from_words(q) == x / d);
  REQUIRE(from_words(r) == x % d);
  std::fill(r.begin(), r.end(), 7);
  divider.remainder(r, words_of(x, words_for(bit_length(x))));
  REQUIRE(from_words(r) == x % d);
  // In place.
  WordVector both = words_of(x, 2 * n);
  divider.divide(std::span(both).last(n), std::span(both).first(n), both);
  REQUIRE(from_words(both) == (x / d << static_cast<unsigned>(64 * n)) + x % d);
}

/// Quotients and remainders of every kind.
void check_divisor(const Integer& d, Numbers& numbers) {
  const std::size_t n = words_for(bit_length(d));
  const Divider divider(words_of(d, n));
  REQUIRE(divider.size() == n);
  REQUIRE(divider.bits() == bit_length(d));
  const Integer end = d << static_cast<unsigned>(64 * n);
  for (const Integer& q : {Integer(0), Integer(1), Integer(2), Integer(end / d - 1), Integer(end / d / 2),
                           numbers.below(end / d), numbers.below(end / d)}) {
    for (const Integer& r : {Integer(0), Integer(1), Integer(d - 1), Integer(d / 2), numbers.below(d)}) {
      const Integer x = q * d + r;
      if (r < d && x < end) check_division(divider, d, x);
    }
  }
  check_division(divider, d, end - 1);
}

}  // namespace

TEST_CASE("every small division") {
  for (unsigned d = 1; d < 64; ++d) {
    const Divider divider(words_of(d, 1));
    for (unsigned x = 0; x < 4 * d + 70; ++x) check_division(divider, d, x);
  }
}

TEST_CASE("divisors of every bit length, at the ends and between") {
  Numbers numbers(20);
  for (std::size_t bits = 1; bits <= 400; ++bits) {
    for (const Integer& d : {power_of_two(bits - 1), Integer(power_of_two(bits) - 1),
                             Integer(power_of_two(bits - 1) + numbers.below(power_of_two(bits - 1)))}) {
      check_divisor(d, numbers);
    }
  }
}

TEST_CASE("divisors whose words are all ones or all zeros but for one") {
  Numbers numbers(20);
  for (std::size_t n = 1; n <= 12; ++n) {
    for (std::size_t i = 0; i < n; ++i) {
      const Integer one = power_of_two(64 * i);
      check_divisor(power_of_two(64 * n) - one, numbers);
      check_divisor(power_of_two(64 * n - 1) + one - 1, numbers);
      check_divisor(power_of_two(64 * n) - 1 - one, numbers);
      check_divisor(power_of_two(64 * n - 1) + one, numbers);
    }
  }
}

TEST_CASE("divisors of the sizes of keys") {
  Numbers numbers(20);
  for (const std::size_t bits : {512U, 513U, 1000U, 1024U, 1536U, 2048U, 3072U, 4096U, 8192U}) {
    for (int i = 0; i < 5; ++i) check_divisor(numbers.odd(bits), numbers);
  }
}

TEST_CASE("leading zero words of a divisor are left out") {
  const Divider divider(words_of(1000, 5));
  CHECK(divider.size() == 1);
  check_division(divider, 1000, 123456789);
}

TEST_CASE("the square of the radix") {
  Numbers numbers(20);
  for (const std::size_t bits : {2U, 3U, 10U, 63U, 64U, 65U, 127U, 128U, 1024U, 2048U}) {
    for (const std::size_t spare : {0U, 1U, 6U, 100U}) {
      const Integer m = numbers.odd(bits);
      const std::size_t n = words_for(bits);
      WordVector halves(2 * n);
      radix_square(halves, Divider(words_of(m, n)), words_of(m, n), bits + spare);
      const Integer expected = power_of_two(2 * (bits + spare)) % (m * m);
      CAPTURE(bits, spare, m);
      CHECK(from_words(std::span(halves).first(n)) == expected % m);
      CHECK(from_words(std::span(halves).last(n)) == expected / m);
    }
  }
}
