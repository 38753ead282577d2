#include "opaline/bigint/fixed_base.h"

#include <catch2/catch.hpp>

#include "opaline/bigint/exponent_digits.h"
#include "opaline/bigint/exponentiation.h"
#include "operands.h"
#include "support/error_kind.h"
#include "support/supported_backends.h"

using namespace opaline;
using namespace opaline::test;

namespace {

/// One after the other.
WordVector all_of(const std::vector<std::vector<Integer>>& exponents, std::size_t bits) {
  WordVector all;
  for (const std::vector<Integer>& lanes : exponents) {
    const WordVector words = exponents_of(lanes, bits);
    all.insert(all.end(), words.begin(), words.end());
  }
  return all;
}

/// check(f, numbers) with one modulus in all lanes.
template <typename Check>
void for_uniform_arithmetic(std::size_t bits, const Check& check) {
  for (const Backend* const backend : supported_backends()) {
    CAPTURE(bits, backend->name());
    Numbers numbers(bits);
    check(*uniform_arithmetic(*backend, numbers.odd(bits)), numbers);
  }
}

/// A unit mod m².
Integer unit(const Integer& m, Numbers& numbers) {
  Integer x = numbers.below(m * m);
  while (gcd_vartime(x, m) != 1) x = numbers.below(m * m);
  return x;
}

/// One unit in all lanes.
std::vector<Integer> uniform_lanes(const PairArithmetic& f, Numbers& numbers) {
  return std::vector<Integer>(f.lanes(), unit(f.modulus(0), numbers));
}

FixedBase fixed_base(const PairArithmetic& f, std::span<const Integer> base, std::size_t bits) {
  std::vector<Integer> inverses;
  for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
    inverses.push_back(invert_vartime(base[lane], f.modulus(lane) * f.modulus(lane)));
  }
  return {f, load_element(f, base).data(), load_element(f, inverses).data(), bits};
}

void check_fixed_base(const PairArithmetic& f, Numbers& numbers, std::size_t bits, std::size_t elements) {
  const std::vector<Integer> base = uniform_lanes(f, numbers);
  const FixedBase powers = fixed_base(f, base, bits);
  std::vector<std::vector<Integer>> exponents;
  for (std::size_t g = 0; g < elements; ++g) {
    std::vector<Integer>& lanes = exponents.emplace_back();
    for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
      const Integer choices[] = {numbers.bits(bits), 0, power_of_two(bits) - 1, numbers.bits(bits),
                                 bits == 0 ? Integer(0) : power_of_two(bits - 1)};
      lanes.push_back(choices[(g + lane) % 5]);
    }
  }
  std::vector<WordVector> results(elements, WordVector(f.words()));
  powers.pow(results, all_of(exponents, bits));
  for (std::size_t g = 0; g < elements; ++g) {
    std::vector<Integer> expected;
    for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
      expected.push_back(pow_mod(base[lane], exponents[g][lane], f.modulus(lane) * f.modulus(lane)));
    }
    expect_lanes(f, results[g].data(), expected, "power of a fixed base");
  }
}

}  // namespace

TEST_CASE("packed tables are read lane by lane") {
  for (const std::size_t bits : {5U, 64U, 129U, 1024U}) {
    for_uniform_arithmetic(bits, [](const PairArithmetic& f, Numbers& numbers) {
      for (const std::size_t entries : {16U, 32U, 64U, 128U, 256U}) {
        std::vector<std::vector<Integer>> values;
        WordVector elements;
        for (std::size_t i = 0; i < entries; ++i) {
          values.push_back(uniform_lanes(f, numbers));
          const WordVector element = load_element(f, values.back());
          elements.insert(elements.end(), element.begin(), element.end());
        }
        WordVector table(f.compact_words(entries));
        f.compact(table.data(), elements.data(), entries);
        WordVector r(f.words());
        for (std::size_t round = 0; round < entries; ++round) {
          std::vector<std::uint32_t> index;
          std::vector<Integer> expected;
          for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
            index.push_back(static_cast<std::uint32_t>((round + 21 * lane) % entries));
            expected.push_back(values[index[lane]][lane]);
          }
          f.select_compact(r.data(), table.data(), entries, index);
          expect_lanes(f, r.data(), expected, "select from a packed table");
        }
      }
    });
  }
  SUCCEED();
}

TEST_CASE("powers of a fixed base agree with GMP") {
  for (const std::size_t bits : {5U, 64U, 130U}) {
    for_uniform_arithmetic(bits, [](const PairArithmetic& f, Numbers& numbers) {
      for (const std::size_t length : {0U, 1U, 5U, 6U, 7U, 12U, 63U, 64U, 65U, 127U, 128U, 129U, 200U}) {
        for (const std::size_t elements : {1U, 4U}) check_fixed_base(f, numbers, length, elements);
      }
    });
  }
  for (const std::size_t bits : {512U, 1536U}) {
    for_uniform_arithmetic(
        bits, [&](const PairArithmetic& f, Numbers& numbers) { check_fixed_base(f, numbers, bits, 3); });
  }
  SUCCEED();
}

TEST_CASE("tables stay below their limit") {
  for_uniform_arithmetic(4096, [](const PairArithmetic& f, Numbers& numbers) {
    // Not computed in full: a short exponent shows the size of one place.
    const FixedBase powers = fixed_base(f, uniform_lanes(f, numbers), 12);
    CHECK(powers.table_bytes() > 0);
    CHECK(powers.table_bytes() <= FixedBase::kLargestTable);
  });
}

TEST_CASE("exponents that a table was not made for are refused") {
  for_uniform_arithmetic(64, [](const PairArithmetic& f, Numbers& numbers) {
    const FixedBase powers = fixed_base(f, uniform_lanes(f, numbers), 12);
    std::vector<WordVector> results(1, WordVector(f.words()));
    const auto refused = [&](const std::vector<Integer>& exponents) {
      return kind_of([&] { powers.pow(results, exponents_of(exponents, 13)); }) ==
             ErrorKind::invalid_argument;
    };
    CHECK_FALSE(refused(std::vector<Integer>(f.lanes(), 4095)));
    CHECK(refused(std::vector<Integer>(f.lanes(), 4096)));
    CHECK(refused(std::vector<Integer>(f.lanes() + 1, 1)));
  });
}

TEST_CASE("digits put together are the exponent") {
  Numbers numbers(3);
  for (const std::size_t bits : {0U, 1U, 5U, 63U, 64U, 65U, 128U, 1000U}) {
    for (std::size_t width = 1; width <= 16; ++width) {
      const std::vector<Integer> exponents = {numbers.bits(bits), power_of_two(bits) - 1, 0};
      const ExponentDigits digits(exponents_of(exponents, bits), 3, bits, width);
      CHECK(digits.count() * width >= bits);
      CHECK(digits.count() >= 1);
      std::vector<Integer> sums(3);
      for (std::size_t i = digits.count(); i-- > 0;) {
        std::vector<std::uint32_t> lanes(3);
        digits.read(i, lanes);
        for (std::size_t lane = 0; lane < 3; ++lane) {
          CHECK(lanes[lane] >> width == 0);
          sums[lane] = sums[lane] * power_of_two(width) + lanes[lane];
        }
      }
      CHECK(sums == exponents);
    }
  }
}
