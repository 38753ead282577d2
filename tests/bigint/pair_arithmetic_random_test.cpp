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
