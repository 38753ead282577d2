#include <catch2/catch.hpp>

#include "operands.h"
#include "support/supported_backends.h"

// How elements are handled: operands that overlap, lanes beside each other, tables.

using namespace opaline;
using namespace opaline::test;

namespace {

constexpr std::size_t kSizes[] = {5, 64, 129, 1024, 2048};

template <typename Check>
void for_arithmetic(const Check& check) {
  for (const std::size_t bits : kSizes) {
    for (const Backend* const backend : supported_backends()) {
      CAPTURE(bits, backend->name());
      Numbers numbers(bits);
      std::vector<Integer> moduli;
      for (std::size_t lane = 0; lane < backend->lanes(); ++lane) moduli.push_back(numbers.odd(bits));
      const auto f = backend->pair_arithmetic(moduli);
      for (std::size_t lane = 0; lane < backend->lanes(); ++lane) CHECK(f->modulus(lane) == moduli[lane]);
      check(*f, numbers);
    }
  }
}

}  // namespace

TEST_CASE("a result may take the place of an operand") {
  for_arithmetic([](const PairArithmetic& f, Numbers& numbers) {
    for (int round = 0; round < 5; ++round) {
      const WordVector x = load_element(f, random_lanes(f, numbers));
      const WordVector y = load_element(f, random_lanes(f, numbers));
      const WordVector k = load_half_element(f, random_half_lanes(f, numbers));
      WordVector expected(f.words());

      f.mul(expected.data(), x.data(), y.data());
      WordVector r = x;
      f.mul(r.data(), r.data(), y.data());
      CHECK(f.store(r.data()) == f.store(expected.data()));
      r = y;
      f.mul(r.data(), x.data(), r.data());
      CHECK(f.store(r.data()) == f.store(expected.data()));

      f.mul(expected.data(), x.data(), x.data());
      r = x;
      f.mul(r.data(), r.data(), r.data());
      CHECK(f.store(r.data()) == f.store(expected.data()));
      r = x;
      f.sqr(r.data(), r.data());
      CHECK(f.store(r.data()) == f.store(expected.data()));

      f.mul_one_plus_km(expected.data(), x.data(), k.data());
      r = x;
      f.mul_one_plus_km(r.data(), r.data(), k.data());
      CHECK(f.store(r.data()) == f.store(expected.data()));
    }
  });
}

TEST_CASE("operands are left as they were, and so is the memory beside a result") {
  for_arithmetic([](const PairArithmetic& f, Numbers& numbers) {
    constexpr Word kMark = 0x5a5a5a5a5a5a5a5a;
    constexpr std::size_t kBorder = 8;  // words: a vector register, which keeps the alignment
    const WordVector x = load_element(f, random_lanes(f, numbers));
    const WordVector y = load_element(f, random_lanes(f, numbers));
    const WordVector k = load_half_element(f, random_half_lanes(f, numbers));
    const WordVector x_before(x.begin(), x.end());
    const WordVector y_before(y.begin(), y.end());
    const WordVector k_before(k.begin(), k.end());
    const std::size_t words = (f.words() + kBorder - 1) / kBorder * kBorder;
    WordVector memory(words + 2 * kBorder, kMark);
    Word* const r = memory.data() + kBorder;
    const auto untouched = [&] {
      return std::all_of(memory.begin(), memory.begin() + kBorder, [](Word word) { return word == kMark; }) &&
             std::all_of(memory.begin() + static_cast<std::ptrdiff_t>(kBorder + f.words()), memory.end(),
                         [](Word word) { return word == kMark; });
    };
    f.mul(r, x.data(), y.data());
    CHECK(untouched());
    f.sqr(r, x.data());
    CHECK(untouched());
    f.mul_one_plus_km(r, x.data(), k.data());
    CHECK(untouched());
    f.load(r, std::vector<Integer>(f.lanes(), 1));
    CHECK(untouched());
    const std::vector<std::uint32_t> first(f.lanes(), 0);
    f.select(r, x.data(), 1, first);
    CHECK(untouched());
    WordVector numbers_memory(f.lanes() * f.number_words() + 2 * kBorder, kMark);
    std::vector<Word*> places;
    for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
      places.push_back(numbers_memory.data() + kBorder + lane * f.number_words());
    }
    f.scatter_numbers_vartime(places, x.data());
    for (std::size_t i = 0; i < kBorder; ++i) {
      CHECK((numbers_memory[i] == kMark && numbers_memory[numbers_memory.size() - 1 - i] == kMark));
    }
    f.gather_numbers_vartime(r, {places.begin(), places.end()});
    CHECK(untouched());
    CHECK(x == x_before);
    CHECK(y == y_before);
    CHECK(k == k_before);
  });
}

TEST_CASE("lanes know nothing of each other") {
  for_arithmetic([](const PairArithmetic& f, Numbers& numbers) {
    const std::vector<Integer> x = random_lanes(f, numbers);
    const std::vector<Integer> k = random_half_lanes(f, numbers);
    for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
      std::vector<Integer> alone(f.lanes(), 0);
      std::vector<Integer> alone_k(f.lanes(), 0);
      alone[lane] = x[lane];
      alone_k[lane] = k[lane];
      const WordVector element = load_element(f, alone);
      const WordVector half = load_half_element(f, alone_k);
      const Integer& m = f.modulus(lane);
      std::vector<Integer> expected(f.lanes(), 0);
      WordVector r(f.words());
      expected[lane] = x[lane] * x[lane] % (m * m);
      f.mul(r.data(), element.data(), element.data());
      expect_lanes(f, r.data(), expected, "product");
      f.sqr(r.data(), element.data());
      expect_lanes(f, r.data(), expected, "square");
      expected[lane] = x[lane] * (1 + k[lane] * m) % (m * m);
      f.mul_one_plus_km(r.data(), element.data(), half.data());
      expect_lanes(f, r.data(), expected, "product with 1 + k·m");
    }
  });
}

TEST_CASE("fresh memory is the number 0 in every lane") {
  for_arithmetic([](const PairArithmetic& f, Numbers& numbers) {
    const WordVector zero(f.words());
    const WordVector zero_half(f.half_words());
    const std::vector<Integer> values = random_lanes(f, numbers);
    const WordVector x = load_element(f, values);
    WordVector r(f.words());
    f.mul(r.data(), x.data(), zero.data());
    expect_lanes(f, r.data(), std::vector<Integer>(f.lanes(), 0), "product with fresh memory");
    f.mul_one_plus_km(r.data(), x.data(), zero_half.data());
    expect_lanes(f, r.data(), values, "product with 1 + 0·m");
  });
}

TEST_CASE("tables are read lane by lane") {
  for_arithmetic([](const PairArithmetic& f, Numbers& numbers) {
    for (const std::size_t entries : {1U, 2U, 7U, 32U, 64U}) {
      std::vector<std::vector<Integer>> values;
      WordVector table;
      for (std::size_t i = 0; i < entries; ++i) {
        values.push_back(random_lanes(f, numbers));
        const WordVector element = load_element(f, values.back());
        table.insert(table.end(), element.begin(), element.end());
      }
      for (std::size_t round = 0; round < entries; ++round) {
        std::vector<std::uint32_t> index;
        std::vector<Integer> expected;
        for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
          // Every lane reads every entry in the course of the rounds, and lanes differ.
          index.push_back(static_cast<std::uint32_t>((round + 3 * lane) % entries));
          expected.push_back(values[index[lane]][lane]);
        }
        WordVector r(f.words());
        f.select(r.data(), table.data(), entries, index);
        expect_lanes(f, r.data(), expected, "select");
      }
    }
  });
}

TEST_CASE("a lane's number can be kept on its own and goes into every lane of its modulus") {
  for (const std::size_t bits : kSizes) {
    for (const Backend* const backend : supported_backends()) {
      CAPTURE(bits, backend->name());
      Numbers numbers(bits);
      const auto f = uniform_arithmetic(*backend, numbers.odd(bits));
      const std::vector<Integer> values = random_lanes(*f, numbers);
      WordVector kept(f->lanes() * f->number_words());
      std::vector<Word*> places;
      for (std::size_t lane = 0; lane < f->lanes(); ++lane) {
        places.push_back(kept.data() + lane * f->number_words());
      }
      f->scatter_numbers_vartime(places, load_element(*f, values).data());
      for (std::size_t shift = 0; shift < f->lanes(); ++shift) {
        std::vector<const Word*> taken;
        std::vector<Integer> expected;
        for (std::size_t lane = 0; lane < f->lanes(); ++lane) {
          const std::size_t from = (3 * lane + shift) % f->lanes();
          taken.push_back(places[from]);
          expected.push_back(values[from]);
        }
        WordVector r(f->words());
        f->gather_numbers_vartime(r.data(), taken);
        expect_lanes(*f, r.data(), expected, "gathered numbers");
      }
    }
  }
}
