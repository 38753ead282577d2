#include "opaline/bigint/batch_inversion.h"

#include <catch2/catch.hpp>

#include "operands.h"
#include "support/supported_backends.h"

using namespace opaline;
using namespace opaline::test;

namespace {

/// count × lanes units, m = 3^a·(a random number) having non-units to choose from.
struct Batch {
  Batch(const PairArithmetic& f, std::size_t count, Numbers& numbers) {
    for (std::size_t i = 0; i < count; ++i) {
      std::vector<Integer>& row = values.emplace_back();
      for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
        Integer x;
        do x = numbers.below(f.modulus(lane) * f.modulus(lane));
        while (gcd_vartime(x, f.modulus(lane)) != 1);
        row.push_back(x);
      }
    }
  }

  WordVector elements(const PairArithmetic& f) const {
    WordVector all;
    for (const std::vector<Integer>& row : values) {
      const WordVector element = load_element(f, row);
      all.insert(all.end(), element.begin(), element.end());
    }
    return all;
  }

  std::vector<std::vector<Integer>> values;
};

template <typename Check>
void for_arithmetic(const Check& check) {
  for (const std::size_t bits : {8U, 64U, 129U, 1024U}) {
    for (const Backend* const backend : supported_backends()) {
      CAPTURE(bits, backend->name());
      Numbers numbers(bits);
      std::vector<Integer> moduli;
      while (moduli.size() < backend->lanes()) {
        const Integer m = numbers.odd(bits - 1) * 3 / 2;  // about bits long; made a multiple of 3 below
        const Integer multiple = (m - m % 3) | 1;
        if (bit_length(multiple) == bits && multiple % 3 == 0) moduli.push_back(multiple);
      }
      check(*backend->pair_arithmetic(moduli), numbers);
    }
  }
}

}  // namespace

TEST_CASE("a batch of inverses is the inverses one by one") {
  for_arithmetic([](const PairArithmetic& f, Numbers& numbers) {
    for (const std::size_t count : {1U, 2U, 3U, 20U}) {
      const Batch batch(f, count, numbers);
      const auto inverses = invert_batch_vartime(f, batch.elements(f).data(), count);
      REQUIRE(inverses);
      REQUIRE(inverses->size() == count * f.words());
      for (std::size_t i = 0; i < count; ++i) {
        std::vector<Integer> expected;
        for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
          expected.push_back(invert_vartime(batch.values[i][lane], f.modulus(lane) * f.modulus(lane)));
        }
        expect_lanes(f, inverses->data() + i * f.words(), expected, "inverse");
      }
    }
  });
}

TEST_CASE("an empty batch has no inverses") {
  for_arithmetic([](const PairArithmetic& f, Numbers& /*numbers*/) {
    const auto inverses = invert_batch_vartime(f, nullptr, 0);
    REQUIRE(inverses);
    CHECK(inverses->empty());
  });
}

TEST_CASE("one number that is no unit, anywhere, and there is no batch") {
  for_arithmetic([](const PairArithmetic& f, Numbers& numbers) {
    for (const std::size_t count : {1U, 4U}) {
      for (std::size_t i = 0; i < count; ++i) {
        for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
          for (const Integer& bad : {Integer(0), Integer(3), f.modulus(lane), f.modulus(lane) * 2}) {
            Batch batch(f, count, numbers);
            batch.values[i][lane] = bad;
            CHECK_FALSE(invert_batch_vartime(f, batch.elements(f).data(), count));
          }
        }
      }
    }
  });
}
