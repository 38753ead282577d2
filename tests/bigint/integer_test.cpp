#include "opaline/bigint/integer.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <type_traits>
#include <utility>

#include "opaline/bigint/secret_integer.h"
#include "support/error_kind.h"

using namespace opaline;
using opaline::test::kind_of;

TEST_CASE("bit lengths") {
  CHECK(bit_length(0) == 0);
  CHECK(bit_length(1) == 1);
  CHECK(bit_length(255) == 8);
  CHECK(bit_length(256) == 9);
  CHECK(bit_length(-256) == 9);
  CHECK(bit_length(Integer(1) << 8191) == 8192);
}

TEST_CASE("integers go to big-endian bytes and back") {
  CHECK(to_bytes(0x010203, 3) == Bytes{1, 2, 3});
  CHECK(to_bytes(0x010203, 5) == Bytes{0, 0, 1, 2, 3});
  CHECK(to_bytes(0x010203) == Bytes{1, 2, 3});
  CHECK(to_bytes(255, 1) == Bytes{255});
  CHECK(to_bytes(0).empty());
  CHECK(to_bytes(0, 0).empty());
  CHECK(to_bytes(0, 2) == Bytes{0, 0});
  CHECK(from_bytes({}) == 0);
  CHECK(from_bytes(Bytes{0, 0, 1, 2, 3}) == 0x010203);
  CHECK(from_bytes(Bytes(9, 0xff)) == (Integer(1) << 72) - 1);
}

TEST_CASE("an integer that does not fit its bytes is refused") {
  for (const auto& [x, width] :
       {std::pair<Integer, std::size_t>{256, 1}, {1, 0}, {Integer(1) << 64, 8}, {-1, 8}, {-1, 0}}) {
    CAPTURE(x, width);
    CHECK(kind_of([&, x = x, width = width] { to_bytes(x, width); }) == ErrorKind::invalid_argument);
  }
  CHECK(kind_of([] { to_bytes(-1); }) == ErrorKind::invalid_argument);
}

TEST_CASE("integers go to words and back") {
  std::array<std::uint64_t, 3> words = {9, 9, 9};
  to_words((Integer(5) << 64) + 7, words);
  CHECK(words == std::array<std::uint64_t, 3>{7, 5, 0});
  CHECK(from_words(words) == (Integer(5) << 64) + 7);
  to_words(0, words);
  CHECK(words == std::array<std::uint64_t, 3>{0, 0, 0});
  CHECK(from_words(words) == 0);
  CHECK(from_words({}) == 0);
  to_words((Integer(1) << 192) - 1, words);
  CHECK(from_words(words) == (Integer(1) << 192) - 1);
  CHECK(kind_of([&] { to_words(Integer(1) << 192, words); }) == ErrorKind::invalid_argument);
  CHECK(kind_of([&] { to_words(-1, words); }) == ErrorKind::invalid_argument);
}

TEST_CASE("the floor remainder is never negative") {
  CHECK(floor_mod(7, 5) == 2);
  CHECK(floor_mod(-7, 5) == 3);
  CHECK(floor_mod(-5, 5) == 0);
  CHECK(floor_mod(-1, Integer(1) << 100) == (Integer(1) << 100) - 1);
  CHECK(floor_mod(3, 1) == 0);
  CHECK(kind_of([] { floor_mod(1, 0); }) == ErrorKind::invalid_argument);
  CHECK(kind_of([] { floor_mod(1, -3); }) == ErrorKind::invalid_argument);
}

TEST_CASE("greatest common divisors") {
  CHECK(gcd_vartime(12, 18) == 6);
  CHECK(gcd_vartime(-12, 18) == 6);
  CHECK(gcd_vartime(0, 7) == 7);
  CHECK(gcd_vartime(0, 0) == 0);
  // Consecutive Fibonacci numbers, the slowest case of Euclid's algorithm.
  Integer a = 1;
  Integer b = 1;
  for (int i = 0; i < 500; ++i) a = std::exchange(b, a + b);
  CHECK(gcd_vartime(a, b) == 1);
  CHECK(gcd_vartime(a * 91, b * 91) == 91);
}

TEST_CASE("inverses") {
  CHECK(invert_vartime(3, 7) == 5);
  CHECK(invert_vartime(-3, 7) == 2);
  CHECK(invert_vartime(10, 7) == 5);
  CHECK(kind_of([] { invert_vartime(6, 9); }) == ErrorKind::invalid_argument);
  CHECK(kind_of([] { invert_vartime(0, 9); }) == ErrorKind::invalid_argument);
  CHECK(kind_of([] { invert_vartime(1, 1); }) == ErrorKind::invalid_argument);
  CHECK(kind_of([] { invert_vartime(1, 0); }) == ErrorKind::invalid_argument);
}

TEST_CASE("powers") {
  CHECK(pow_mod(3, 5, 7) == 5);
  CHECK(pow_mod(3, 0, 7) == 1);
  CHECK(pow_mod(0, 0, 7) == 1);
  CHECK(pow_mod(0, 5, 7) == 0);
  CHECK(pow_mod(-2, 3, 7) == 6);
  CHECK(pow_mod(10, 2, 7) == 2);
  CHECK(pow_mod(2, (Integer(1) << 127) - 2, (Integer(1) << 127) - 1) == 1);  // Fermat
  CHECK(kind_of([] { pow_mod(2, -1, 7); }) == ErrorKind::invalid_argument);
  CHECK(kind_of([] { pow_mod(2, 1, 8); }) == ErrorKind::invalid_argument);
  CHECK(kind_of([] { pow_mod(2, 1, 1); }) == ErrorKind::invalid_argument);
  CHECK(kind_of([] { pow_mod(2, 1, 0); }) == ErrorKind::invalid_argument);
  CHECK(kind_of([] { pow_mod(2, 1, -7); }) == ErrorKind::invalid_argument);
}

TEST_CASE("random numbers are evenly spread below their bound") {
  for (const unsigned bound : {1U, 2U, 3U, 5U, 64U, 127U, 128U, 129U, 255U, 256U, 257U}) {
    CAPTURE(bound);
    constexpr unsigned kDraws = 200;  // for each number
    std::vector<double> count(bound);
    for (unsigned i = 0; i < kDraws * bound; ++i) ++count.at(random_below(bound).convert_to<unsigned>());
    double chi_square = 0;
    for (const double n : count) chi_square += (n - kDraws) * (n - kDraws) / kDraws;
    // bound − 1 degrees of freedom; 12 and more standard deviations of room, as few degrees have long tails.
    const double degrees = bound - 1;
    CHECK(chi_square <= degrees + 12 * std::sqrt(2 * degrees) + 40 * (degrees > 0 ? 1 : 0));
    if (bound > 1) CHECK(*std::min_element(count.begin(), count.end()) > 0);
  }
}

TEST_CASE("random numbers below a large bound use all of it") {
  const Integer bound = (Integer(1) << 2047) + 1;
  Integer largest = 0;
  for (int i = 0; i < 200; ++i) {
    const Integer x = random_below(bound);
    CHECK(x >= 0);
    CHECK(x < bound);
    largest = std::max(largest, x);
  }
  CHECK(largest > bound / 2);
  CHECK(kind_of([] { random_below(0); }) == ErrorKind::invalid_argument);
  CHECK(kind_of([] { random_below(-5); }) == ErrorKind::invalid_argument);
}

TEST_CASE("random units are the units, each of them") {
  std::array<int, 15> seen{};
  for (int i = 0; i < 4000; ++i) ++seen.at(random_unit(15).convert_to<std::size_t>());
  for (const unsigned x : {1U, 2U, 4U, 7U, 8U, 11U, 13U, 14U}) CHECK(seen.at(x) > 350);  // 500 expected
  for (const unsigned x : {0U, 3U, 5U, 6U, 9U, 10U, 12U}) CHECK(seen.at(x) == 0);
  CHECK(random_unit(2) == 1);
  CHECK(kind_of([] { random_unit(1); }) == ErrorKind::invalid_argument);
}

TEST_CASE("a wiped integer is zero and so is its memory") {
  Integer x = (Integer(1) << 1000) - 1;
  const auto* const number = x.backend().data();
  const mp_limb_t* const limbs = number->_mp_d;
  const auto count = static_cast<std::size_t>(number->_mp_alloc);
  wipe(x);
  CHECK(x == 0);
  CHECK(std::all_of(limbs, limbs + count, [](mp_limb_t limb) { return limb == 0; }));
  x = 5;  // and can be used again
  CHECK(x * x == 25);
  wipe(x);
  wipe(x);
}

static_assert(!std::is_copy_constructible_v<SecretInteger> && !std::is_copy_assignable_v<SecretInteger>);
static_assert(std::is_nothrow_move_constructible_v<SecretInteger> &&
              std::is_nothrow_move_assignable_v<SecretInteger>);
static_assert(!std::is_convertible_v<Integer, SecretInteger> &&
              !std::is_convertible_v<SecretInteger, Integer>);

TEST_CASE("a secret integer moves, and is copied only by name") {
  SecretInteger a(42);
  SecretInteger b(std::move(a));
  CHECK(b.value() == 42);
  SecretInteger c;
  CHECK(c.value() == 0);
  c = std::move(b);
  CHECK(c.value() == 42);
  const SecretInteger d = c.clone();
  CHECK(d.value() == 42);
  CHECK(c.value() == 42);
}
