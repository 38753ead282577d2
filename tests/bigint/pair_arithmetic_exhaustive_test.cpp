#include <algorithm>
#include <catch2/catch.hpp>

#include "operands.h"
#include "support/supported_backends.h"

// Everything there is, for moduli small enough: every operand and every pair of operands below m². Lane i
// works on the i-th odd modulus of m's length, so that lanes differ.

using namespace opaline;
using namespace opaline::test;

namespace {

std::vector<Integer> odd_moduli(std::size_t bits) {
  std::vector<Integer> moduli;
  for (Integer m = power_of_two(bits - 1) + 1; m < power_of_two(bits); m += 2) moduli.push_back(m);
  return moduli;
}

/// Calls check(f) for every supported backend and every choice of lanes above, for moduli of `bits` bits.
template <typename Check>
void for_toy_arithmetic(std::size_t bits, const Check& check) {
  const std::vector<Integer> moduli = odd_moduli(bits);
  for (const Backend* const backend : supported_backends()) {
    CAPTURE(backend->name());
    for (std::size_t first = 0; first < moduli.size(); first += backend->lanes()) {
      check(*backend->pair_arithmetic(rotated(moduli, first, backend->lanes())));
    }
  }
}

/// 0 … m_i² − 1 in lane i, as far as the largest has numbers; then from 0 again.
std::vector<WordVector> all_elements(const PairArithmetic& f, std::size_t count) {
  std::vector<WordVector> elements;
  for (std::size_t x = 0; x < count; ++x) {
    std::vector<Integer> values;
    for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
      values.push_back(Integer(x) % (f.modulus(lane) * f.modulus(lane)));
    }
    elements.push_back(load_element(f, values));
  }
  return elements;
}

std::uint64_t square_of_modulus(const PairArithmetic& f, std::size_t lane) {
  const auto m = f.modulus(lane).convert_to<std::uint64_t>();
  return m * m;
}

std::size_t largest_square(const PairArithmetic& f) {
  std::size_t largest = 0;
  for (std::size_t lane = 0; lane < f.lanes(); ++lane)
    largest = std::max(largest, square_of_modulus(f, lane));
  return largest;
}

std::vector<Integer> products(const PairArithmetic& f, std::size_t x, std::size_t y) {
  std::vector<Integer> result;
  for (std::size_t lane = 0; lane < f.lanes(); ++lane)
    result.emplace_back(x * y % square_of_modulus(f, lane));
  return result;
}

}  // namespace

TEST_CASE("every product, every square, every number there and back, for all moduli of 2 to 4 bits") {
  for (const std::size_t bits : {2U, 3U, 4U}) {
    for_toy_arithmetic(bits, [](const PairArithmetic& f) {
      const std::size_t count = largest_square(f);
      const std::vector<WordVector> elements = all_elements(f, count);
      WordVector r(f.words());
      for (std::size_t x = 0; x < count; ++x) {
        const std::vector<PairArithmetic::Halves> halves = f.store_halves(elements[x].data());
        for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
          const std::uint64_t m = f.modulus(lane).convert_to<std::uint64_t>();
          const std::uint64_t number = x % (m * m);
          if (halves[lane].a != number % m || halves[lane].b != number / m) {
            FAIL("halves of " << number << ", m = " << m);
          }
        }
        f.sqr(r.data(), elements[x].data());
        expect_lanes(f, r.data(), products(f, x, x), "square");
        for (std::size_t y = 0; y < count; ++y) {
          f.mul(r.data(), elements[x].data(), elements[y].data());
          expect_lanes(f, r.data(), products(f, x, y), "product");
        }
      }
    });
  }
  SUCCEED();
}

TEST_CASE("every product with 1 + k·m, for all moduli of 2 to 5 bits") {
  for (const std::size_t bits : {2U, 3U, 4U, 5U}) {
    for_toy_arithmetic(bits, [&](const PairArithmetic& f) {
      const std::size_t count = largest_square(f);
      const std::vector<WordVector> elements = all_elements(f, count);
      WordVector r(f.words());
      for (std::uint64_t k = 0; k < std::uint64_t{1} << bits; ++k) {
        std::vector<Integer> values;
        for (std::size_t lane = 0; lane < f.lanes(); ++lane) values.push_back(Integer(k) % f.modulus(lane));
        const WordVector half = load_half_element(f, values);
        for (std::size_t x = 0; x < count; ++x) {
          f.mul_one_plus_km(r.data(), elements[x].data(), half.data());
          std::vector<Integer> expected;
          for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
            const Integer& m = f.modulus(lane);
            expected.push_back(x * (1 + values[lane] * m) % (m * m));
          }
          expect_lanes(f, r.data(), expected, "product with 1 + k·m");
        }
      }
    });
  }
  SUCCEED();
}

TEST_CASE("every product with a first half, every half product and half sum, for all moduli of 2 to 4 bits") {
  for (const std::size_t bits : {2U, 3U, 4U}) {
    for_toy_arithmetic(bits, [&](const PairArithmetic& f) {
      const std::size_t count = largest_square(f);
      const std::vector<WordVector> elements = all_elements(f, count);
      const WordVector one = load_element(f, std::vector<Integer>(f.lanes(), 1));
      WordVector r(f.words());
      for (std::size_t y = 0; y < count; ++y) {
        WordVector first = elements[y];
        std::fill(first.begin() + static_cast<std::ptrdiff_t>(f.half_words()), first.end(), 0);
        const std::vector<Integer> factors = f.store(first.data());
        for (std::size_t x = 0; x < count; ++x) {
          std::vector<Integer> expected;
          for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
            expected.push_back(x * factors[lane] % square_of_modulus(f, lane));
          }
          f.mul_first_half(r.data(), elements[x].data(), elements[y].data());
          expect_lanes(f, r.data(), expected, "product with a first half");
        }
      }
      const std::size_t numbers = std::size_t{1} << bits;
      for (std::size_t x = 0; x < numbers; ++x) {
        for (std::size_t y = 0; y < numbers; ++y) {
          std::vector<Integer> left;
          std::vector<Integer> right;
          std::vector<Integer> expected;
          for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
            const Integer& m = f.modulus(lane);
            left.push_back(x % m);
            right.push_back(y % m);
            expected.push_back(1 + (left.back() * right.back() + left.back()) % m * m);
          }
          WordVector k = load_half_element(f, left);
          f.mul_halves(r.data(), k.data(), load_half_element(f, right).data());
          f.add_halves(k.data(), r.data(), k.data());
          f.mul_one_plus_km(r.data(), one.data(), k.data());
          expect_lanes(f, r.data(), expected, "half product and half sum");
        }
      }
    });
  }
  SUCCEED();
}
