#include "opaline/bigint/exponentiation.h"

#include <catch2/catch.hpp>

#include "operands.h"
#include "support/error_kind.h"
#include "support/supported_backends.h"

using namespace opaline;
using namespace opaline::test;

namespace {

/// check(f, numbers) for every supported backend with moduli of its own in every lane.
template <typename Check>
void for_arithmetic(std::size_t bits, const Check& check) {
  for (const Backend* const backend : supported_backends()) {
    CAPTURE(bits, backend->name());
    Numbers numbers(bits);
    std::vector<Integer> moduli;
    for (std::size_t lane = 0; lane < backend->lanes(); ++lane) moduli.push_back(numbers.odd(bits));
    check(*backend->pair_arithmetic(moduli), numbers);
  }
}

void check_powers(const PairArithmetic& f, const std::vector<Integer>& x,
                  const std::vector<Integer>& exponents, std::size_t bits) {
  std::vector<Integer> expected;
  for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
    expected.push_back(pow_mod(x[lane], exponents[lane], f.modulus(lane) * f.modulus(lane)));
  }
  const WordVector element = load_element(f, x);
  WordVector r(f.words());
  pow(f, r.data(), element.data(), exponents, bits);
  expect_lanes(f, r.data(), expected, "power");
  pow_vartime(f, r.data(), element.data(), exponents);
  expect_lanes(f, r.data(), expected, "power to public exponents");
}

void check_powers_vartime(const PairArithmetic& f, const std::vector<Integer>& x, const Integer& exponent) {
  std::vector<Integer> expected;
  for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
    expected.push_back(pow_mod(x[lane], exponent, f.modulus(lane) * f.modulus(lane)));
  }
  WordVector r = load_element(f, x);
  pow_vartime(f, r.data(), r.data(), exponent);
  expect_lanes(f, r.data(), expected, "power to a public exponent");
}

/// Exponents below 2^bits: none, one, all bits; single bits; a one followed by zeros; random.
std::vector<Integer> exponents_of(std::size_t bits, Numbers& numbers) {
  std::vector<Integer> exponents = {0};
  if (bits == 0) return exponents;
  const Integer all = power_of_two(bits) - 1;
  exponents.insert(exponents.end(), {1, all, power_of_two(bits - 1), all / 3, all - all / 3});
  for (int i = 0; i < 3; ++i) exponents.push_back(power_of_two(numbers.index(bits)));
  exponents.push_back(power_of_two(bits - 1) + 1);
  for (int i = 0; i < 3; ++i) exponents.push_back(numbers.bits(bits));
  for (Integer& exponent : exponents) exponent = exponent % power_of_two(bits);
  return exponents;
}

}  // namespace

TEST_CASE("every small exponent, every declared length") {
  for_arithmetic(100, [](const PairArithmetic& f, Numbers& numbers) {
    const std::vector<Integer> x = random_lanes(f, numbers);
    for (std::size_t bits = 0; bits <= 10; ++bits) {
      for (unsigned exponent = 0; exponent < 1U << bits; ++exponent) {
        std::vector<Integer> exponents;
        for (std::size_t lane = 0; lane < f.lanes(); ++lane)
          exponents.emplace_back((exponent + lane) % (1U << bits));
        check_powers(f, x, exponents, bits);
        if (bits == 10) check_powers_vartime(f, x, exponent);
      }
    }
  });
}

TEST_CASE("powers agree with GMP around every window width and word, other exponents in other lanes") {
  for_arithmetic(130, [](const PairArithmetic& f, Numbers& numbers) {
    for (const std::size_t bits : {11U,  12U,  62U,  63U,  64U,  65U,  66U,   67U,   127U,  128U,  129U,
                                   511U, 512U, 513U, 514U, 515U, 516U, 1535U, 1536U, 1537U, 1538U, 1541U}) {
      const std::vector<Integer> exponents = exponents_of(bits, numbers);
      for (std::size_t first = 0; first < exponents.size(); ++first) {
        const std::vector<Integer> x = random_lanes(f, numbers);
        check_powers(f, x, rotated(exponents, first, f.lanes()), bits);
        check_powers_vartime(f, x, exponents[first]);
      }
    }
  });
}

TEST_CASE("powers agree with GMP at the sizes of keys") {
  for (const std::size_t bits : {512U, 1024U, 2048U}) {
    for_arithmetic(bits, [&](const PairArithmetic& f, Numbers& numbers) {
      const std::vector<Integer> exponents = exponents_of(bits, numbers);
      for (std::size_t first = 0; first < exponents.size(); first += std::min<std::size_t>(f.lanes(), 4)) {
        const std::vector<Integer> x = random_lanes(f, numbers);
        check_powers(f, x, rotated(exponents, first, f.lanes()), bits);
        check_powers_vartime(f, x, exponents[first]);
      }
    });
  }
}

TEST_CASE("powers of 0, 1, m and m² − 1") {
  for_arithmetic(130, [](const PairArithmetic& f, Numbers& numbers) {
    for (const unsigned exponent : {0U, 1U, 2U, 3U, 200U}) {
      for (int choice = 0; choice < 4; ++choice) {
        std::vector<Integer> x;
        for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
          const Integer& m = f.modulus(lane);
          const Integer choices[] = {0, 1, m, m * m - 1};
          x.push_back(choices[choice]);
        }
        check_powers(f, x, std::vector<Integer>(f.lanes(), exponent), 8 + numbers.index(8));
        check_powers_vartime(f, x, exponent);
      }
    }
  });
}

TEST_CASE("a power may take the place of its base") {
  for_arithmetic(130, [](const PairArithmetic& f, Numbers& numbers) {
    const WordVector x = load_element(f, random_lanes(f, numbers));
    const std::vector<Integer> exponents(f.lanes(), 0xdeadbeef);
    WordVector apart(f.words());
    pow(f, apart.data(), x.data(), exponents, 32);
    WordVector in_place = x;
    pow(f, in_place.data(), in_place.data(), exponents, 32);
    CHECK(f.store(in_place.data()) == f.store(apart.data()));
    in_place = x;
    pow_vartime(f, in_place.data(), in_place.data(), exponents);
    CHECK(f.store(in_place.data()) == f.store(apart.data()));
    pow_vartime(f, apart.data(), x.data(), exponents.front());
    CHECK(f.store(in_place.data()) == f.store(apart.data()));
  });
}

TEST_CASE("exponents that do not fit are refused") {
  for_arithmetic(130, [](const PairArithmetic& f, Numbers& numbers) {
    const WordVector x = load_element(f, random_lanes(f, numbers));
    WordVector r(f.words());
    const auto power = [&](std::vector<Integer> exponents, std::size_t bits) {
      return kind_of([&] { pow(f, r.data(), x.data(), exponents, bits); });
    };
    for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
      std::vector<Integer> exponents(f.lanes(), 3);
      exponents[lane] = 256;
      CHECK(power(exponents, 8) == ErrorKind::invalid_argument);
      CHECK_FALSE(power(exponents, 9));
      exponents[lane] = -1;
      CHECK(power(exponents, 8) == ErrorKind::invalid_argument);
    }
    CHECK(power(std::vector<Integer>(f.lanes(), 1), 0) == ErrorKind::invalid_argument);
    CHECK(power(std::vector<Integer>(f.lanes() + 1, 1), 8) == ErrorKind::invalid_argument);
    CHECK(power(std::vector<Integer>(f.lanes() - 1, 1), 8) == ErrorKind::invalid_argument);
    CHECK(kind_of([&] { pow_vartime(f, r.data(), x.data(), -1); }) == ErrorKind::invalid_argument);
    const auto power_vartime = [&](const std::vector<Integer>& each) {
      pow_vartime(f, r.data(), x.data(), each);
    };
    CHECK(kind_of([&] { power_vartime(std::vector<Integer>(f.lanes(), -1)); }) ==
          ErrorKind::invalid_argument);
    CHECK(kind_of([&] { power_vartime(std::vector<Integer>(f.lanes() + 1, 2)); }) ==
          ErrorKind::invalid_argument);
  });
}

TEST_CASE("one is one in every lane") {
  for_arithmetic(65, [](const PairArithmetic& f, Numbers& numbers) {
    WordVector r = load_element(f, random_lanes(f, numbers));
    set_one(f, r.data());
    expect_lanes(f, r.data(), std::vector<Integer>(f.lanes(), 1), "one");
  });
}

TEST_CASE("a power made a few steps at a time is the same") {
  for_arithmetic(130, [](const PairArithmetic& f, Numbers& numbers) {
    for (const std::size_t bits : {0U, 1U, 7U, 65U, 600U, 1700U}) {
      const Integer exponent = bits == 0 ? Integer(0) : numbers.odd(bits);
      const WordVector x = load_element(f, random_lanes(f, numbers));
      WordVector expected(f.words());
      pow_vartime(f, expected.data(), x.data(), exponent);
      for (const std::size_t steps : {1U, 7U, 64U}) {
        SlidingPower power(f, x.data(), exponent);
        std::size_t goes = 0;
        while (!power.advance(steps)) ++goes;
        CHECK(power.advance(steps));
        CHECK(f.store(power.result()) == f.store(expected.data()));
        if (bits == 1700) CHECK(goes > bits / (steps + 10));
      }
    }
  });
}
