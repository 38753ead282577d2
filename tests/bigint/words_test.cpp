#include "opaline/bigint/words.h"

#include <array>
#include <catch2/catch.hpp>
#include <vector>

#include "opaline/bigint/integer.h"
#include "operands.h"

using namespace opaline;
using opaline::test::Numbers;
using opaline::test::words_of;

namespace {

/// Ends and middles of what fits into so many words, and random numbers.
std::vector<Integer> samples(std::size_t size, Numbers& numbers) {
  const Integer end = Integer(1) << static_cast<unsigned>(64 * size);
  std::vector<Integer> x = {
      0, 1, 2, end - 1, end - 2, end / 2, end / 2 - 1, end / 2 + 1, numbers.bits(64 * size)};
  for (std::size_t i = 0; i < 4; ++i) x.push_back(numbers.below(end));
  return x;
}

}  // namespace

TEST_CASE("comparisons, sums and differences of words agree with GMP's integers") {
  Numbers numbers(20);
  for (const std::size_t size : {1U, 2U, 3U, 8U}) {
    const Integer end = Integer(1) << static_cast<unsigned>(64 * size);
    for (const Integer& x : samples(size, numbers)) {
      for (const Integer& y : samples(size, numbers)) {
        const WordVector a = words_of(x, size);
        const WordVector b = words_of(y, size);
        CHECK(is_below(a, b) == (x < y ? 1 : 0));
        CHECK(is_equal(a, b) == (x == y ? 1 : 0));
        CHECK(is_zero(a) == (x == 0 ? 1 : 0));
        WordVector r(size);
        CHECK(add(r, a, b) == (x + y >= end ? 1 : 0));
        CHECK(from_words(r) == (x + y) % end);
        CHECK(subtract(r, a, b) == (x < y ? 1 : 0));
        CHECK(from_words(r) == (x + end - y) % end);
        for (const Word condition : {0U, 1U}) {
          r = a;
          CHECK(add_if(condition, r, b) == (condition == 1 && x + y >= end ? 1 : 0));
          CHECK(from_words(r) == (condition == 1 ? Integer((x + y) % end) : x));
          r = a;
          CHECK(subtract_if(condition, r, b) == (condition == 1 && x < y ? 1 : 0));
          CHECK(from_words(r) == (condition == 1 ? Integer((x + end - y) % end) : x));
          r = a;
          assign_if(condition, r, b);
          CHECK(from_words(r) == (condition == 1 ? y : x));
        }
        WordVector product(2 * size);
        multiply(product, a, b);
        CHECK(from_words(product) == x * y);
      }
    }
  }
}

TEST_CASE("products of unequal sizes") {
  Numbers numbers(20);
  for (std::size_t m = 1; m < 6; ++m) {
    for (std::size_t n = 1; n < 6; ++n) {
      const Integer x = numbers.bits(64 * m);
      const Integer y = numbers.bits(64 * n);
      WordVector product(m + n);
      multiply(product, words_of(x, m), words_of(y, n));
      CHECK(from_words(product) == x * y);
    }
  }
}

TEST_CASE("shifts by every count") {
  Numbers numbers(20);
  for (const std::size_t size : {1U, 3U}) {
    const Integer end = Integer(1) << static_cast<unsigned>(64 * size);
    for (const Integer& x : samples(size, numbers)) {
      for (unsigned bits = 0; bits < 64; ++bits) {
        WordVector r(size);
        shift_left(r, words_of(x, size), bits);
        CHECK(from_words(r) == (x << bits) % end);
        shift_left(r, words_of(x, size), 0);
        shift_right(r, r, bits);
        CHECK(from_words(r) == x >> bits);
      }
    }
  }
}

TEST_CASE("a word added carries as far as it must") {
  for (const std::size_t size : {1U, 2U, 5U}) {
    Numbers numbers(20);
    const Integer end = Integer(1) << static_cast<unsigned>(64 * size);
    for (const Integer& x : samples(size, numbers)) {
      for (const Word word : {Word{0}, Word{1}, ~Word{0}}) {
        WordVector r = words_of(x, size);
        add_word(r, word);
        CHECK(from_words(r) == (x + word) % end);
      }
    }
  }
}

TEST_CASE("bit lengths of words") {
  CHECK(public_bit_length({}) == 0);
  for (unsigned bits = 0; bits < 200; ++bits) {
    const Integer power = Integer(1) << bits;
    CHECK(public_bit_length(words_of(power, 4)) == bits + 1);
    CHECK(public_bit_length(words_of(power - 1, 4)) == bits);
  }
}

TEST_CASE("random numbers below a bound take every value and no other") {
  for (const Word bound : {Word{1}, Word{2}, Word{3}, Word{5}, Word{8}}) {
    const std::array<Word, 2> limit = {bound, 0};
    std::vector<int> seen(bound);
    for (int i = 0; i < 400; ++i) {
      std::array<Word, 2> r = {7, 7};
      random_below(r, limit);
      REQUIRE(r[1] == 0);
      REQUIRE(r[0] < bound);
      ++seen[r[0]];
    }
    for (const int times : seen) CHECK(times > 0);  // fails once in 2^100 runs
  }
}
