#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <string>

#include "operands.h"
#include "support/supported_backends.h"

// Random numbers against GMP's plain products. OPALINE_TEST_OPERANDS says how many a size, operation and
// backend.

using namespace opaline;
using namespace opaline::test;

namespace {

constexpr std::size_t kSizes[] = {64,   192,  254,  512,  1000, 1024, 1027,
                                  1034, 1536, 2048, 2074, 3072, 4096, 8192};

std::size_t operand_sets() {
  const char* const text = std::getenv("OPALINE_TEST_OPERANDS");
  return text == nullptr ? 500 : std::stoul(text);
}

/// check(f, numbers) until all operand sets are used, with fresh moduli every now and then.
template <typename Check>
void for_random_arithmetic(const Check& check) {
  constexpr std::size_t kSetsAModulus = 50;
  for (const std::size_t bits : kSizes) {
    for (const Backend* const backend : supported_backends()) {
      CAPTURE(bits, backend->name());
      Numbers numbers(bits);
      const std::size_t rounds = (operand_sets() + backend->lanes() - 1) / backend->lanes();
      for (std::size_t done = 0; done < rounds;) {
        std::vector<Integer> moduli;
        for (std::size_t lane = 0; lane < backend->lanes(); ++lane) moduli.push_back(numbers.odd(bits));
        const auto f = backend->pair_arithmetic(moduli);
        for (std::size_t i = 0; i < kSetsAModulus && done < rounds; ++i, ++done) check(*f, numbers);
      }
    }
  }
}

}  // namespace

TEST_CASE("random products agree with GMP") {
  for_random_arithmetic([](const PairArithmetic& f, Numbers& numbers) {
    const std::vector<Integer> x = random_lanes(f, numbers);
    const std::vector<Integer> y = random_lanes(f, numbers);
    std::vector<Integer> expected;
    for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
      expected.push_back(x[lane] * y[lane] % (f.modulus(lane) * f.modulus(lane)));
    }
    WordVector r(f.words());
    f.mul(r.data(), load_element(f, x).data(), load_element(f, y).data());
    expect_lanes(f, r.data(), expected, "product");
  });
  SUCCEED();
}

TEST_CASE("random squares agree with GMP") {
  for_random_arithmetic([](const PairArithmetic& f, Numbers& numbers) {
    const std::vector<Integer> x = random_lanes(f, numbers);
    std::vector<Integer> expected;
    for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
      expected.push_back(x[lane] * x[lane] % (f.modulus(lane) * f.modulus(lane)));
    }
    WordVector r(f.words());
    f.sqr(r.data(), load_element(f, x).data());
    expect_lanes(f, r.data(), expected, "square");
  });
  SUCCEED();
}

TEST_CASE("random products with 1 + k·m agree with GMP") {
  for_random_arithmetic([](const PairArithmetic& f, Numbers& numbers) {
    const std::vector<Integer> x = random_lanes(f, numbers);
    const std::vector<Integer> k = random_half_lanes(f, numbers);
    std::vector<Integer> expected;
    for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
      const Integer& m = f.modulus(lane);
      expected.push_back(x[lane] * (1 + k[lane] * m) % (m * m));
    }
    WordVector r(f.words());
    f.mul_one_plus_km(r.data(), load_element(f, x).data(), load_half_element(f, k).data());
    expect_lanes(f, r.data(), expected, "product with 1 + k·m");
  });
  SUCCEED();
}

TEST_CASE("random products with first halves agree with GMP") {
  for_random_arithmetic([](const PairArithmetic& f, Numbers& numbers) {
    const std::vector<Integer> x = random_lanes(f, numbers);
    const WordVector y = load_element(f, random_lanes(f, numbers));
    WordVector first = y;
    std::fill(first.begin() + static_cast<std::ptrdiff_t>(f.half_words()), first.end(), 0);
    const std::vector<Integer> factors = f.store(first.data());
    std::vector<Integer> expected;
    for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
      expected.push_back(x[lane] * factors[lane] % (f.modulus(lane) * f.modulus(lane)));
    }
    WordVector r(f.words());
    f.mul_first_half(r.data(), load_element(f, x).data(), y.data());
    expect_lanes(f, r.data(), expected, "product with a first half");
  });
  SUCCEED();
}

TEST_CASE("random half elements multiply and add as GMP's numbers do") {
  for_random_arithmetic([](const PairArithmetic& f, Numbers& numbers) {
    const std::vector<Integer> x = random_half_lanes(f, numbers);
    const std::vector<Integer> y = random_half_lanes(f, numbers);
    const std::vector<Integer> z = random_half_lanes(f, numbers);
    std::vector<Integer> expected;
    for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
      const Integer& m = f.modulus(lane);
      expected.push_back(1 + (x[lane] * y[lane] + z[lane]) % m * m);
    }
    WordVector k = load_half_element(f, x);
    f.mul_halves(k.data(), k.data(), load_half_element(f, y).data());
    f.add_halves(k.data(), load_half_element(f, z).data(), k.data());
    WordVector r(f.words());
    f.load(r.data(), std::vector<Integer>(f.lanes(), 1));
    f.mul_one_plus_km(r.data(), r.data(), k.data());
    expect_lanes(f, r.data(), expected, "product and sum of half elements");
  });
  SUCCEED();
}

TEST_CASE("an element is its first half times 1 + k·m, k the quotient of its halves") {
  for_random_arithmetic([](const PairArithmetic& f, Numbers& numbers) {
    std::vector<Integer> x;
    std::vector<Integer> inverses;
    for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
      const Integer m_squared = f.modulus(lane) * f.modulus(lane);
      Integer unit = numbers.below(m_squared);
      while (gcd_vartime(unit, m_squared) != 1) unit = numbers.below(m_squared);
      x.push_back(unit);
      inverses.push_back(invert_vartime(x.back(), m_squared));
    }
    const WordVector element = load_element(f, x);
    WordVector k(f.half_words());
    f.mul_halves(k.data(), load_element(f, inverses).data(), element.data() + f.half_words());
    WordVector r = load_element(f, std::vector<Integer>(f.lanes(), 1));
    f.mul_first_half(r.data(), r.data(), element.data());
    f.mul_one_plus_km(r.data(), r.data(), k.data());
    expect_lanes(f, r.data(), x, "first half times 1 + k·m");
  });
  SUCCEED();
}
