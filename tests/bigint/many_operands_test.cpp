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
// what a backend leaves unreduced is tried too. One program a backend, OPALINE_TESTED_BACKEND, which tries
// its narrower lanes beside its own: what GMP is asked takes longest, and is the same for both.

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

/// The arithmetic of some of the lanes: of all, or of as many as are calculated with side by side when they
/// are narrower.
struct Part {
  std::size_t first_lane;
  std::unique_ptr<const PairArithmetic> arithmetic;

  std::span<const Integer> of(const std::vector<Integer>& lanes) const {
    return std::span(lanes).subspan(first_lane, arithmetic->lanes());
  }
};

/// Numbers in all lanes with their elements, one a part.
struct Row {
  std::vector<Integer> values;
  std::vector<WordVector> elements;
};

/// The arithmetic of one choice of moduli, its numbers and what they are multiplied by.
struct Bench {
  Bench(const Backend& backend, std::size_t bits, std::uint64_t seed) : numbers(seed) {
    for (std::size_t lane = 0; lane < backend.lanes(); ++lane) moduli.push_back(numbers.odd(bits));
    for (const Integer& m : moduli) squares.push_back(m * m);
    add_parts(backend);
    if (backend.narrower().lanes() < backend.lanes()) add_parts(backend.narrower());
  }

  Row row() {
    Row row{random_lanes(*parts.front().arithmetic, numbers), {}};
    for (const Part& part : parts) {
      row.elements.push_back(load_element(*part.arithmetic, part.of(row.values)));
    }
    return row;
  }

  Row half_row() {
    Row row{random_half_lanes(*parts.front().arithmetic, numbers), {}};
    for (const Part& part : parts) {
      row.elements.push_back(load_half_element(*part.arithmetic, part.of(row.values)));
    }
    return row;
  }

  /// A row whose second half is zero.
  Row first_half_row() {
    Row row = this->row();
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto half = static_cast<std::ptrdiff_t>(parts[i].arithmetic->half_words());
      std::fill(row.elements[i].begin() + half, row.elements[i].end(), 0);
    }
    row.values = parts.front().arithmetic->store(row.elements.front().data());  // the same for all parts
    return row;
  }

  Numbers numbers;
  std::vector<Integer> moduli;
  std::vector<Integer> squares;
  std::vector<Part> parts;

 private:
  void add_parts(const Backend& backend) {
    for (std::size_t lane = 0; lane < moduli.size(); lane += backend.lanes()) {
      parts.push_back({lane, backend.pair_arithmetic(std::span(moduli).subspan(lane, backend.lanes()))});
    }
  }
};

/// step(arithmetic, x, y) changes an element x by an element y; expected(bench, lane, x, y) says what is in a
/// lane then, show(arithmetic, x) what is. Everything is done as often as there are operand sets; what
/// differs is reported at the end, Catch2 being for one thread.
template <typename MakeRow, typename MakeFactor, typename Step, typename Expected, typename Show>
void try_all(const MakeRow& make_row, const MakeFactor& make_factor, const Step& step,
             const Expected& expected, const Show& show) {
  const Backend& tested = backend(OPALINE_TESTED_BACKEND);
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
      for (std::size_t turn = 0; turn < kNumbers * kStepsANumber; ++turn) {
        Row& x = rows[turn % kNumbers];
        const Row& y = factors[(turn + turn / kNumbers) % kNumbers];
        std::vector<Integer> right;
        for (std::size_t lane = 0; lane < tested.lanes(); ++lane) {
          right.push_back(expected(bench, lane, x.values[lane], y.values[lane]));
        }
        for (std::size_t p = 0; p < bench.parts.size(); ++p) {
          const auto& [first_lane, arithmetic] = bench.parts[p];
          step(*arithmetic, x.elements[p].data(), y.elements[p].data());
          const std::vector<Integer> shown = show(*arithmetic, x.elements[p].data());
          for (std::size_t i = 0; i < shown.size(); ++i) {
            const std::size_t lane = first_lane + i;
            if (shown[i] != right[lane] && wrong++ == 0) {
              const std::lock_guard lock(mutex);
              first_wrong = x.values[lane].str() + " with " + y.values[lane].str() + " modulo " +
                            bench.moduli[lane].str() + " in " + std::to_string(arithmetic->lanes()) +
                            " lanes";
            }
          }
        }
        done += right.size();
        x.values = std::move(right);
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
            return Integer(x * (1 + k * b.moduli[lane]) % b.squares[lane]);
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
            return Integer(x * y % b.moduli[lane]);
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
