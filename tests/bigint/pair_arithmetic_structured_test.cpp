#include <algorithm>
#include <catch2/catch.hpp>

#include "operands.h"
#include "support/supported_backends.h"

// Operands and moduli at the edges of limbs, all pairs of them, against GMP's plain products. Every lane has
// a modulus and operands of its own.

using namespace opaline;
using namespace opaline::test;

namespace {

// With 254, 1034 and 2074 bits, limbs of 52 bits in fives have the least room to spare.
constexpr std::size_t kSizes[] = {51,  52,  53,  63,   64,   65,   104,  127,  128,  129,  254,  255,  260,
                                  512, 513, 520, 1000, 1024, 1027, 1034, 1536, 2048, 2074, 3072, 4096, 8192};

/// The structured operands of every lane, as elements: in element i, lane l has operand (i + l) of its own
/// modulus.
struct Operands {
  explicit Operands(const PairArithmetic& f) {
    std::vector<std::vector<Integer>> of_lane;
    for (std::size_t lane = 0; lane < f.lanes(); ++lane)
      of_lane.push_back(structured_operands(f.modulus(lane)));
    for (std::size_t i = 0; i < of_lane.front().size(); ++i) {
      std::vector<Integer>& row = values.emplace_back();
      for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
        row.push_back(of_lane[lane][(i + lane) % of_lane[lane].size()]);
      }
      elements.push_back(load_element(f, row));
    }
  }

  std::size_t count() const { return values.size(); }

  std::vector<std::vector<Integer>> values;
  std::vector<WordVector> elements;
};

/// Between partners of an operand: all are taken up to 2048 bits, every third above, where products are slow.
std::size_t stride(const PairArithmetic& f) { return bit_length(f.modulus(0)) > 2048 ? 3 : 1; }

/// check(f) for every size, supported backend and choice of moduli for its lanes.
template <typename Check>
void for_structured_arithmetic(const Check& check) {
  for (const std::size_t bits : kSizes) {
    const std::vector<Integer> moduli = structured_moduli(bits);
    for (const Backend* const backend : supported_backends()) {
      CAPTURE(bits, backend->name());
      for (std::size_t first = 0; first < moduli.size(); first += backend->lanes()) {
        const auto f = backend->pair_arithmetic(rotated(moduli, first, backend->lanes()));
        REQUIRE(f->lanes() == backend->lanes());
        REQUIRE(f->words() == 2 * f->half_words());
        check(*f);
      }
    }
  }
}

}  // namespace

TEST_CASE("the moduli of the tests are what they are meant to be") {
  for (const std::size_t bits : kSizes) {
    for (const Integer& m : structured_moduli(bits)) {
      CHECK(bit_length(m) == bits);
      CHECK(m % 2 == 1);
      for (const Integer& x : structured_operands(m)) CHECK((x >= 0 && x < m * m));
    }
  }
}

TEST_CASE("structured numbers come back whole and as halves") {
  for_structured_arithmetic([](const PairArithmetic& f) {
    const Operands x(f);
    for (std::size_t i = 0; i < x.count(); ++i) {
      expect_lanes(f, x.elements[i].data(), x.values[i], "load and store");
      const std::vector<PairArithmetic::Halves> halves = f.store_halves(x.elements[i].data());
      for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
        const Integer& m = f.modulus(lane);
        if (halves[lane].a != x.values[i][lane] % m || halves[lane].b != x.values[i][lane] / m) {
          FAIL("halves of " << x.values[i][lane]);
        }
      }
    }
  });
  SUCCEED();
}

TEST_CASE("structured products and squares agree with GMP") {
  for_structured_arithmetic([](const PairArithmetic& f) {
    const Operands x(f);
    WordVector r(f.words());
    std::vector<Integer> expected(f.lanes());
    for (std::size_t i = 0; i < x.count(); ++i) {
      for (std::size_t j = i; j < x.count(); j += stride(f)) {
        for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
          expected[lane] = x.values[i][lane] * x.values[j][lane] % (f.modulus(lane) * f.modulus(lane));
        }
        f.mul(r.data(), x.elements[i].data(), x.elements[j].data());
        expect_lanes(f, r.data(), expected, "product");
        f.mul(r.data(), x.elements[j].data(), x.elements[i].data());
        expect_lanes(f, r.data(), expected, "product the other way round");
        if (i != j) continue;
        f.sqr(r.data(), x.elements[i].data());
        expect_lanes(f, r.data(), expected, "square");
      }
    }
  });
  SUCCEED();
}

TEST_CASE("structured products with 1 + k·m agree with GMP") {
  for_structured_arithmetic([](const PairArithmetic& f) {
    const Operands x(f);
    WordVector r(f.words());
    std::vector<Integer> k(f.lanes());
    std::vector<Integer> expected(f.lanes());
    for (std::size_t j = 0; j < x.count(); j += 2 * stride(f)) {
      for (std::size_t lane = 0; lane < f.lanes(); ++lane) k[lane] = x.values[j][lane] / f.modulus(lane);
      const WordVector half = load_half_element(f, k);
      for (std::size_t i = 0; i < x.count(); ++i) {
        for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
          const Integer& m = f.modulus(lane);
          expected[lane] = x.values[i][lane] * (1 + k[lane] * m) % (m * m);
        }
        f.mul_one_plus_km(r.data(), x.elements[i].data(), half.data());
        expect_lanes(f, r.data(), expected, "product with 1 + k·m");
      }
    }
  });
  SUCCEED();
}

TEST_CASE("structured products with first halves agree with GMP") {
  for_structured_arithmetic([](const PairArithmetic& f) {
    const Operands x(f);
    WordVector r(f.words());
    std::vector<Integer> expected(f.lanes());
    for (std::size_t j = 0; j < x.count(); j += stride(f)) {
      WordVector first = x.elements[j];
      std::fill(first.begin() + static_cast<std::ptrdiff_t>(f.half_words()), first.end(), 0);
      const std::vector<Integer> factors = f.store(first.data());
      for (std::size_t i = 0; i < x.count(); ++i) {
        for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
          expected[lane] = x.values[i][lane] * factors[lane] % (f.modulus(lane) * f.modulus(lane));
        }
        f.mul_first_half(r.data(), x.elements[i].data(), x.elements[j].data());
        expect_lanes(f, r.data(), expected, "product with a first half");
      }
      for (const bool first_is_output : {true, false}) {
        WordVector y = x.elements[j];
        WordVector z = x.elements[j == 0 ? 1 : 0];
        f.mul_first_half(r.data(), y.data(), z.data());
        Word* const out = first_is_output ? y.data() : z.data();
        f.mul_first_half(out, y.data(), z.data());
        if (!std::equal(r.begin(), r.end(), out)) FAIL("an output that is an input");
      }
    }
  });
  SUCCEED();
}

TEST_CASE("structured half elements multiply and add as GMP's numbers do") {
  for_structured_arithmetic([](const PairArithmetic& f) {
    const Operands x(f);
    const WordVector one = load_element(f, std::vector<Integer>(f.lanes(), 1));
    // 1 + k·m shows a half element k.
    const auto expect_half = [&](const WordVector& k, const auto& expected, const char* operation) {
      WordVector shown(f.words());
      f.mul_one_plus_km(shown.data(), one.data(), k.data());
      std::vector<Integer> values;
      for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
        values.push_back(1 + expected(lane) % f.modulus(lane) * f.modulus(lane));
      }
      expect_lanes(f, shown.data(), values, operation);
    };
    std::vector<std::vector<Integer>> numbers;
    std::vector<WordVector> halves;
    for (const std::vector<Integer>& row : x.values) {
      std::vector<Integer>& lanes = numbers.emplace_back();
      for (std::size_t lane = 0; lane < f.lanes(); ++lane) lanes.push_back(row[lane] / f.modulus(lane));
      halves.push_back(load_half_element(f, lanes));
    }
    WordVector r(f.half_words());
    for (std::size_t i = 0; i < halves.size(); ++i) {
      for (std::size_t j = i; j < halves.size(); j += 2 * stride(f)) {
        f.mul_halves(r.data(), halves[i].data(), halves[j].data());
        expect_half(
            r, [&](std::size_t lane) { return numbers[i][lane] * numbers[j][lane]; }, "half product");
        f.add_halves(r.data(), halves[i].data(), halves[j].data());
        expect_half(
            r, [&](std::size_t lane) { return Integer(numbers[i][lane] + numbers[j][lane]); }, "half sum");
        f.add_halves(r.data(), r.data(), r.data());  // sums are operands again, and outputs may be inputs
        f.mul_halves(r.data(), r.data(), r.data());
        expect_half(
            r,
            [&](std::size_t lane) {
              const Integer sum = 2 * (numbers[i][lane] + numbers[j][lane]);
              return Integer(sum * sum);
            },
            "square of twice a half sum");
      }
    }
  });
  SUCCEED();
}

TEST_CASE("long chains of operations on structured numbers stay right") {
  // Results of operations are operands again: what a backend leaves unreduced must not pile up.
  for_structured_arithmetic([](const PairArithmetic& f) {
    const Operands x(f);
    WordVector r = x.elements[10];
    std::vector<Integer> expected = x.values[10];
    std::vector<Integer> k(f.lanes());
    for (std::size_t lane = 0; lane < f.lanes(); ++lane) k[lane] = f.modulus(lane) - 1;
    const WordVector half = load_half_element(f, k);
    for (std::size_t step = 0; step < 3 * x.count(); ++step) {
      const std::size_t i = step % x.count();
      bool zero = false;  // a chain through 0 stays there
      for (const Integer& value : x.values[i]) zero = zero || value == 0;
      f.sqr(r.data(), r.data());
      f.mul_one_plus_km(r.data(), r.data(), half.data());
      if (!zero) f.mul(r.data(), r.data(), x.elements[i].data());
      for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
        const Integer square = f.modulus(lane) * f.modulus(lane);
        Integer value = expected[lane] * expected[lane] % square * (1 + k[lane] * f.modulus(lane)) % square;
        if (!zero) value = value * x.values[i][lane] % square;
        expected[lane] = value;
      }
      expect_lanes(f, r.data(), expected, "chain");
    }
  });
  SUCCEED();
}

TEST_CASE("what is added to the second half again and again does not pile up") {
  for_structured_arithmetic([](const PairArithmetic& f) {
    std::vector<Integer> expected;
    std::vector<Integer> k;
    for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
      const Integer& m = f.modulus(lane);
      expected.push_back(m * m - 1);
      k.push_back(m - 1 - lane);
    }
    WordVector r = load_element(f, expected);
    const WordVector half = load_half_element(f, k);
    for (int step = 1; step <= 200; ++step) {
      f.mul_one_plus_km(r.data(), r.data(), half.data());
      for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
        const Integer& m = f.modulus(lane);
        expected[lane] = expected[lane] * (1 + k[lane] * m) % (m * m);
      }
      if (step % 50 == 0) expect_lanes(f, r.data(), expected, "products with 1 + k·m");
    }
  });
  SUCCEED();
}
