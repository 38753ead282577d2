#include "opaline/paillier/matrix_product.h"

#include <omp.h>

#include <algorithm>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/bigint/batch_inversion.h"
#include "opaline/bigint/exponentiation.h"
#include "opaline/paillier/noise.h"

namespace opaline {
namespace {

/// Elements of digits that pass over the tables together, while these are in the cache.
constexpr std::size_t kBlock = 8;

}  // namespace

MatrixProduct::MatrixProduct(const MatrixSchedule& schedule, std::vector<Query> queries)
    : schedule_(schedule),
      plan_(schedule.plan()),
      queries_(std::move(queries)),
      tables_stage_(stage(plan_.groups())),
      digits_stage_(stage(plan_.results())),
      corrections_stage_(stage(1, digits_stage_.width)),
      outputs_stage_(stage(plan_.shape().outputs)),
      corrections_runs_(cut_corrections()),
      number_words_(queries_.front().arithmetic->wide().number_words()),
      segments_(1),
      tables_(tables_stage_.whole() * plan_.entries(), number_words_),
      digits_(0, 0),
      corrections_(corrections_stage_.whole(), number_words_),
      values_(queries_.size() * plan_.shape().outputs) {
  const std::size_t elements = digits_stage_.elements;
  const auto threads = static_cast<std::size_t>(omp_get_max_threads());
  const std::size_t block = std::clamp<std::size_t>(elements / threads, 1, kBlock);
  for (std::size_t first = 0; first < elements; first += block) {
    blocks_.push_back({first, std::min(block, elements - first)});
  }
  segments_ = std::clamp<std::size_t>(threads / blocks_.size(), 1, plan_.groups());
  digits_ = Numbers(segments_ * digits_stage_.whole(), number_words_);
}

MatrixProduct::Stage MatrixProduct::stage(std::size_t a_query) const {
  return stage(a_query, queries_.front().arithmetic->for_numbers(queries_.size() * a_query));
}

MatrixProduct::Stage MatrixProduct::stage(std::size_t a_query, LaneWidth width) const {
  const std::size_t lanes = queries_.front().arithmetic->of(width).lanes();
  return {a_query, width, lanes, groups_of(queries_.size() * a_query, lanes)};
}

// Lanes behind the last number are the last query's.
std::vector<const LaneWidths*> MatrixProduct::lanes_of(const Stage& stage, std::size_t element) const {
  std::vector<const LaneWidths*> lanes;
  lanes.reserve(stage.lanes);
  for (std::size_t lane = 0; lane < stage.lanes; ++lane) {
    const std::size_t query = (element * stage.lanes + lane) / stage.a_query;
    lanes.push_back(queries_[std::min(query, queries_.size() - 1)].arithmetic);
  }
  return lanes;
}

// An inversion goes along the elements, lane by lane: all of one key, or one by one.
std::vector<MatrixProduct::Block> MatrixProduct::cut_corrections() const {
  std::vector<Block> runs;
  const LaneWidths* last = nullptr;
  for (std::size_t e = 0; e < corrections_stage_.elements; ++e) {
    const std::vector<const LaneWidths*> lanes = lanes_of(corrections_stage_, e);
    const bool of_one_key = lanes.front() == lanes.back();  // queries under one key follow each other
    if (of_one_key && lanes.front() == last) {
      ++runs.back().count;
    } else {
      runs.push_back({e, 1});
    }
    last = of_one_key ? lanes.front() : nullptr;
  }
  return runs;
}

Word* MatrixProduct::entry(std::size_t query, std::size_t group, std::size_t index) {
  return tables_[(query * plan_.groups() + group) * plan_.entries() + index];
}

void MatrixProduct::make_table(std::size_t task) {
  const MixedLanes mixed = arithmetic(tables_stage_, task);
  const PairArithmetic& f = *mixed;
  const std::size_t group = plan_.group();
  const std::size_t lanes = f.lanes();
  Numbers inputs(group, f.words());
  std::vector<Integer> values(lanes);
  for (std::size_t i = 0; i < group; ++i) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const std::size_t table = task * lanes + lane;
      const std::size_t query = table / plan_.groups();
      const std::size_t input = table % plan_.groups() * group + i;
      const bool there = query < queries_.size() && input < plan_.shape().inputs;
      values[lane] = there ? queries_[query].x[input].value() : Integer(1);
    }
    f.load(inputs[i], values);
  }

  Numbers products(plan_.entries(), f.words());
  std::vector<Word*> places(lanes);
  const std::size_t digit_mask = (std::size_t{1} << plan_.digit_bits()) - 1;
  for (std::size_t index = 0; index < plan_.entries(); ++index) {
    std::size_t i = 0;  // the lowest input with a digit
    while (i + 1 < group && ((index >> (i * plan_.digit_bits())) & digit_mask) == 0) ++i;
    const std::size_t before = index - (std::size_t{1} << (i * plan_.digit_bits()));
    if (index == 0) {
      set_one(f, products[0]);
    } else if (before == 0) {
      std::copy_n(inputs[i], f.words(), products[index]);
    } else {
      f.mul(products[index], products[before], inputs[i]);
    }
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      places[lane] = tables_[(task * lanes + lane) * plan_.entries() + index];
    }
    f.scatter_numbers_vartime(places, products[index]);
  }
}

void MatrixProduct::make_digits(std::size_t task) {
  if (task < corrections_runs_.size()) return make_corrections(corrections_runs_[task]);
  task -= corrections_runs_.size();
  const std::size_t segment = task % segments_;
  const Block& block = blocks_[task / segments_];
  const std::size_t first_group = segment * plan_.groups() / segments_;
  const std::size_t end_group = (segment + 1) * plan_.groups() / segments_;
  const std::size_t lanes = digits_stage_.lanes;
  const std::size_t last = queries_.size() * plan_.results() - 1;  // again where there are no more

  std::vector<MixedLanes> arithmetics;
  arithmetics.reserve(block.count);
  for (std::size_t e = 0; e < block.count; ++e) {
    arithmetics.push_back(arithmetic(digits_stage_, block.first + e));
  }
  const std::size_t words = arithmetics.front()->words();
  Numbers products(block.count, words);
  Numbers factor(1, words);
  std::vector<const Word*> read(lanes);
  for (std::size_t group = first_group; group < end_group; ++group) {
    for (std::size_t e = 0; e < block.count; ++e) {
      const PairArithmetic& f = *arithmetics[e];
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        const std::size_t number = std::min((block.first + e) * lanes + lane, last);
        read[lane] =
            entry(number / plan_.results(), group, schedule_.entries_of(number % plan_.results())[group]);
      }
      if (group == first_group) {
        f.gather_numbers_vartime(products[e], read);
      } else {
        f.gather_numbers_vartime(factor[0], read);
        f.mul(products[e], products[e], factor[0]);
      }
    }
  }
  std::vector<Word*> written(lanes);
  for (std::size_t e = 0; e < block.count; ++e) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      written[lane] = digit(segment, (block.first + e) * lanes + lane);
    }
    arithmetics[e]->scatter_numbers_vartime(written, products[e]);
  }
}

// The product of all inputs of a query, each once, as a number.
void MatrixProduct::multiply_inputs(std::size_t query, Word* product) {
  const PairArithmetic& f = queries_[query].arithmetic->of(corrections_stage_.width);
  std::size_t every_input_once = 0;
  for (std::size_t i = 0; i < plan_.group(); ++i) {
    every_input_once += std::size_t{1} << (i * plan_.digit_bits());
  }
  const std::size_t lanes = f.lanes();
  Numbers products(1, f.words());
  Numbers factor(1, f.words());
  Numbers parts(lanes, number_words_);
  std::vector<const Word*> read(lanes);
  std::vector<Word*> written(lanes);
  for (std::size_t lane = 0; lane < lanes; ++lane) written[lane] = parts[lane];

  // Lanes take turns with the groups, and are then folded into one.
  for (std::size_t first = 0; first < plan_.groups(); first += lanes) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const bool there = first + lane < plan_.groups();
      read[lane] = there ? entry(query, first + lane, every_input_once) : entry(query, 0, 0);
    }
    f.gather_numbers_vartime(first == 0 ? products[0] : factor[0], read);
    if (first != 0) f.mul(products[0], products[0], factor[0]);
  }
  for (std::size_t width = lanes / 2; width > 0; width /= 2) {
    f.scatter_numbers_vartime(written, products[0]);
    for (std::size_t lane = 0; lane < lanes; ++lane) read[lane] = parts[(lane + width) % lanes];
    f.gather_numbers_vartime(factor[0], read);
    f.mul(products[0], products[0], factor[0]);
  }
  f.scatter_numbers_vartime(written, products[0]);
  std::copy_n(parts[0], number_words_, product);
}

void MatrixProduct::make_corrections(const Block& elements) {
  const MixedLanes mixed = arithmetic(corrections_stage_, elements.first);
  const PairArithmetic& f = *mixed;
  const std::size_t lanes = f.lanes();
  const std::size_t first = elements.first * lanes;
  const std::size_t end = std::min(first + elements.count * lanes, queries_.size());
  for (std::size_t query = first; query < end; ++query) multiply_inputs(query, corrections_[query]);
  WordVector products(elements.count * f.words());
  std::vector<const Word*> read(lanes);
  for (std::size_t e = 0; e < elements.count; ++e) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      read[lane] = corrections_[std::min(first + e * lanes + lane, end - 1)];
    }
    f.gather_numbers_vartime(products.data() + e * f.words(), read);
  }
  auto inverses = invert_batch_vartime(f, products.data(), elements.count);
  if (!inverses) throw Error(ErrorKind::invalid_ciphertext, "a ciphertext is not a unit mod n^2");
  std::vector<Word*> written(lanes);
  for (std::size_t e = 0; e < elements.count; ++e) {
    Word* const inverse = inverses->data() + e * f.words();
    for (unsigned i = 0; i + 1 < plan_.shape().bits; ++i) f.sqr(inverse, inverse);
    for (std::size_t lane = 0; lane < lanes; ++lane) written[lane] = corrections_[first + e * lanes + lane];
    f.scatter_numbers_vartime(written, inverse);
  }
}

void MatrixProduct::make_output(std::size_t task) {
  const MixedLanes mixed = arithmetic(outputs_stage_, task);
  const PairArithmetic& f = *mixed;
  const std::size_t lanes = f.lanes();
  const std::size_t positions = plan_.shape().positions;
  const auto output = [&](std::size_t lane) { return std::min(task * lanes + lane, values_.size() - 1); };
  Numbers product(1, f.words());
  Numbers factor(1, f.words());
  std::vector<const Word*> read(lanes);
  bool started = false;
  const auto multiply = [&](const auto& number) {
    for (std::size_t lane = 0; lane < lanes; ++lane) read[lane] = number(output(lane));
    f.gather_numbers_vartime(started ? factor[0] : product[0], read);
    if (started) f.mul(product[0], product[0], factor[0]);
    started = true;
  };

  // Digits of different positions may lie at one power of two, or in any order: from the highest down.
  struct Step {
    std::size_t power;
    std::size_t position;
    std::size_t digit;
  };
  std::vector<Step> steps;
  for (std::size_t position = 0; position < positions; ++position) {
    for (std::size_t digit = 0; digit < plan_.digits(); ++digit) {
      steps.push_back({schedule_.shifts()[position] + digit * plan_.digit_bits(), position, digit});
    }
  }
  std::stable_sort(steps.begin(), steps.end(),
                   [](const Step& x, const Step& y) { return x.power > y.power; });

  std::size_t power = steps.front().power;
  for (const Step& step : steps) {
    for (; power > step.power; --power) f.sqr(product[0], product[0]);
    // Where an output has no weights it is multiplied by 1, which entry 0 of every table is.
    const auto place = [&](std::size_t k, const auto& number) -> const Word* {
      const std::size_t query = k / plan_.shape().outputs;
      const auto row = schedule_.row(k % plan_.shape().outputs, step.position);
      return row ? number(query, *row) : entry(query, 0, 0);
    };
    for (std::size_t segment = 0; segment < segments_; ++segment) {
      multiply([&](std::size_t k) {
        return place(k, [&](std::size_t query, std::size_t row) {
          return digit(segment, query * plan_.results() + row * plan_.digits() + step.digit);
        });
      });
    }
    if (step.digit == 0) {
      multiply([&](std::size_t k) {
        return place(k, [&](std::size_t query, std::size_t /*row*/) { return corrections_[query]; });
      });
    }
  }
  for (; power > 0; --power) f.sqr(product[0], product[0]);

  std::vector<Integer> numbers = f.store(product[0]);
  for (std::size_t lane = 0; lane < lanes && task * lanes + lane < values_.size(); ++lane) {
    values_[task * lanes + lane] = std::move(numbers[lane]);
  }
}

}  // namespace opaline
