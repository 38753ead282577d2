#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <mutex>
#include <string>

#include "opaline/base/parallel.h"
#include "opaline/bigint/backend.h"
#include "operands.h"

// A million random operand sets a size and operation against GMP, an operand set being what one lane
// multiplies; OPALINE_TEST_OPERANDS asks for another number. Results are operands of the next step, so that
// what a backend leaves unreduced is tried too. One program a backend: OPALINE_TESTED_BACKEND, and one for
// its narrower lanes: OPALINE_TESTED_NARROW.

using namespace opaline;
using namespace opaline::test;

namespace {

constexpr std::size_t kSizes[] = {1024, 1536, 2048, 3072, 4096};
constexpr std::size_t kNumbers = 32;  // side by side under one choice of moduli
constexpr std::size_t kStepsANumber = 32;

std::size_t operand_sets() {
  const char* const text = std::getenv("OPALINE_TEST_OPERANDS");
  return text == nullptr ? 1'000'000 : std::stoul(text);
}

/// Numbers in all lanes with their elements.
struct Row {
  std::vector<Integer> values;
  WordVector element;
};

/// The arithmetic of one choice of moduli, its numbers and what they are multiplied by.
struct Bench {
  Bench(const Backend& backend, std::size_t bits, std::uint64_t seed) : numbers(seed) {
    std::vector<Integer> moduli;
    for (std::size_t lane = 0; lane < backend.lanes(); ++lane) moduli.push_back(numbers.odd(bits));
    arithmetic = backend.pair_arithmetic(moduli);
    for (const Integer& m : moduli) squares.push_back(m * m);
  }

  Row row() {
    Row row{random_lanes(*arithmetic, numbers), {}};
    row.element = load_element(*arithmetic, row.values);
    return row;
  }

  Row half_row() {
    Row row{random_half_lanes(*arithmetic, numbers), {}};
    row.element = load_half_element(*arithmetic, row.values);
    return row;
  }

  /// A row whose second half is zero.
  Row first_half_row() {
    Row row{{}, load_element(*arithmetic, random_lanes(*arithmetic, numbers))};
    std::fill(row.element.begin() + static_cast<std::ptrdiff_t>(arithmetic->half_words()), row.element.end(),
              0);
    row.values = arithmetic->store(row.element.data());
    return row;
  }

  Numbers numbers;
  std::unique_ptr<const PairArithmetic> arithmetic;
  std::vector<Integer> squares;
};

/// step(bench, x, y) changes x.element by y.element and says what is in a lane now: expected(lane).
/// Everything is done as often as there are operand sets; what differs is reported at the end, Catch2 being
/// for one thread.
template <typename MakeRow, typename MakeFactor, typename Step, typename Expected, typename Show>
void try_all(const MakeRow& make_row, const MakeFactor& make_factor, const Step& step,
             const Expected& expected, const Show& show) {
#ifdef OPALINE_TESTED_NARROW
  const Backend& tested = backend(OPALINE_TESTED_BACKEND).narrower();
#else
  const Backend& tested = backend(OPALINE_TESTED_BACKEND);
#endif
  for (const std::size_t bits : kSizes) {
    CAPTURE(bits, tested.name());
    const std::size_t a_choice = kNumbers * kStepsANumber * tested.lanes();
    std::atomic<std::size_t> done = 0;
    std::atomic<std::size_t> wrong = 0;
    std::mutex mutex;
    std::string first_wrong;
    parallel_for((operand_sets() + a_choice - 1) / a_choice, [&](std::size_t choice) {
      Bench bench(tested, bits, 1000 * bits + choice);
      std::vector<Row> rows;
      std::vector<Row> factors;
      for (std::size_t i = 0; i < kNumbers; ++i) {
        rows.push_back(make_row(bench));
        factors.push_back(make_factor(bench));
      }
      for (std::size_t i = 0; i < kNumbers * kStepsANumber; ++i) {
        Row& x = rows[i % kNumbers];
        const Row& y = factors[(i + i / kNumbers) % kNumbers];
        step(*bench.arithmetic, x.element.data(), y.element.data());
        const std::vector<Integer> shown = show(*bench.arithmetic, x.element.data());
        for (std::size_t lane = 0; lane < tested.lanes(); ++lane) {
          Integer right = expected(bench, lane, x.values[lane], y.values[lane]);
          if (shown[lane] != right && wrong++ == 0) {
            const std::lock_guard lock(mutex);
            first_wrong = x.values[lane].str() + " with " + y.values[lane].str() + " modulo " +
                          bench.arithmetic->modulus(lane).str();
          }
          x.values[lane] = std::move(right);
          ++done;
        }
      }
    });
    INFO(first_wrong);
    CHECK(wrong == 0);
    CHECK(done >= operand_sets());
  }
}

const auto kWhole = [](const PairArithmetic& f, const Word* x) { return f.store(x); };

}  // namespace

TEST_CASE("products") {
  try_all([](Bench& b) { return b.row(); }, [](Bench& b) { return b.row(); },
          [](const PairArithmetic& f, Word* x, const Word* y) { f.mul(x, x, y); },
          [](const Bench& b, std::size_t lane, const Integer& x, const Integer& y) {
            return Integer(x * y % b.squares[lane]);
          },
          kWhole);
}

TEST_CASE("squares") {
  try_all([](Bench& b) { return b.row(); }, [](Bench& b) { return b.row(); },
          [](const PairArithmetic& f, Word* x, const Word* /*y*/) { f.sqr(x, x); },
          [](const Bench& b, std::size_t lane, const Integer& x, const Integer& /*y*/) {
            return Integer(x * x % b.squares[lane]);
          },
          kWhole);
}

TEST_CASE("products with 1 + k·m") {
  try_all([](Bench& b) { return b.row(); }, [](Bench& b) { return b.half_row(); },
          [](const PairArithmetic& f, Word* x, const Word* k) { f.mul_one_plus_km(x, x, k); },
          [](const Bench& b, std::size_t lane, const Integer& x, const Integer& k) {
            return Integer(x * (1 + k * b.arithmetic->modulus(lane)) % b.squares[lane]);
          },
          kWhole);
}

TEST_CASE("products with first halves") {
  try_all([](Bench& b) { return b.row(); }, [](Bench& b) { return b.first_half_row(); },
          [](const PairArithmetic& f, Word* x, const Word* y) { f.mul_first_half(x, x, y); },
          [](const Bench& b, std::size_t lane, const Integer& x, const Integer& y) {
            return Integer(x * y % b.squares[lane]);
          },
          kWhole);
}

TEST_CASE("products of half elements") {
  try_all([](Bench& b) { return b.half_row(); }, [](Bench& b) { return b.half_row(); },
          [](const PairArithmetic& f, Word* x, const Word* y) { f.mul_halves(x, x, y); },
          [](const Bench& b, std::size_t lane, const Integer& x, const Integer& y) {
            return Integer(x * y % b.arithmetic->modulus(lane));
          },
          [](const PairArithmetic& f, const Word* k) {
            // (1 + k·m)'s second half is k.
            WordVector one = load_element(f, std::vector<Integer>(f.lanes(), 1));
            f.mul_one_plus_km(one.data(), one.data(), k);
            std::vector<Integer> values;
            for (const PairArithmetic::Halves& halves : f.store_halves(one.data()))
              values.push_back(halves.b);
            return values;
          });
}
