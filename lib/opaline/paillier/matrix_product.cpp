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

/// Numbers that fill whole elements.
std::size_t whole(std::size_t numbers, const PairArithmetic& f) {
  return groups_of(numbers, f.lanes()) * f.lanes();
}

}  // namespace

MatrixProduct::MatrixProduct(const LaneWidths& arithmetic, const MatrixSchedule& schedule,
                             std::span<const Ciphertext> x)
    : schedule_(schedule),
      plan_(schedule.plan()),
      x_(x),
      table_arithmetic_(arithmetic.for_numbers(queries() * plan_.groups())),
      digit_arithmetic_(arithmetic.for_numbers(queries() * plan_.results())),
      output_arithmetic_(arithmetic.for_numbers(queries() * plan_.shape().outputs)),
      number_words_(arithmetic.wide().number_words()),
      segments_(1),
      digit_numbers_(whole(queries() * plan_.results(), digit_arithmetic_)),
      tables_(whole(queries() * plan_.groups(), table_arithmetic_) * plan_.entries(), number_words_),
      digits_(0, 0),
      corrections_(whole(queries(), digit_arithmetic_), number_words_),
      values_(queries() * plan_.shape().outputs) {
  const std::size_t elements = digit_numbers_ / digit_arithmetic_.lanes();
  const auto threads = static_cast<std::size_t>(omp_get_max_threads());
  const std::size_t block = std::clamp<std::size_t>(elements / threads, 1, kBlock);
  for (std::size_t first = 0; first < elements; first += block) {
    blocks_.push_back({first, std::min(block, elements - first)});
  }
  segments_ = std::clamp<std::size_t>(threads / blocks_.size(), 1, plan_.groups());
  digits_ = Numbers(segments_ * digit_numbers_, number_words_);
}

Word* MatrixProduct::entry(std::size_t query, std::size_t group, std::size_t index) {
  return tables_[(query * plan_.groups() + group) * plan_.entries() + index];
}

void MatrixProduct::make_table(std::size_t task) {
  const PairArithmetic& f = table_arithmetic_;
  const std::size_t group = plan_.group();
  const std::size_t lanes = f.lanes();
  Numbers inputs(group, f.words());
  std::vector<Integer> values(lanes);
  for (std::size_t i = 0; i < group; ++i) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      const std::size_t table = task * lanes + lane;
      const std::size_t query = table / plan_.groups();
      const std::size_t input = table % plan_.groups() * group + i;
      const bool there = query < queries() && input < plan_.shape().inputs;
      values[lane] = there ? x_[query * plan_.shape().inputs + input].value() : Integer(1);
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
  const PairArithmetic& f = digit_arithmetic_;
  if (task == 0) {
    make_corrections();
    return;
  }
  const std::size_t segment = (task - 1) % segments_;
  const Block& block = blocks_[(task - 1) / segments_];
  const std::size_t first_group = segment * plan_.groups() / segments_;
  const std::size_t end_group = (segment + 1) * plan_.groups() / segments_;
  const std::size_t lanes = f.lanes();
  const std::size_t last = queries() * plan_.results() - 1;  // again where there are no more

  Numbers products(block.count, f.words());
  Numbers factor(1, f.words());
  std::vector<const Word*> read(lanes);
  for (std::size_t group = first_group; group < end_group; ++group) {
    for (std::size_t e = 0; e < block.count; ++e) {
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
    f.scatter_numbers_vartime(written, products[e]);
  }
}

// The product of all inputs of a query, each once, as a number.
void MatrixProduct::multiply_inputs(std::size_t query, Word* product) {
  const PairArithmetic& f = digit_arithmetic_;
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

void MatrixProduct::make_corrections() {
  const PairArithmetic& f = digit_arithmetic_;
  const std::size_t lanes = f.lanes();
  const std::size_t elements = groups_of(queries(), lanes);
  for (std::size_t query = 0; query < queries(); ++query) multiply_inputs(query, corrections_[query]);
  WordVector products(elements * f.words());
  std::vector<const Word*> read(lanes);
  for (std::size_t e = 0; e < elements; ++e) {
    for (std::size_t lane = 0; lane < lanes; ++lane) {
      read[lane] = corrections_[std::min(e * lanes + lane, queries() - 1)];
    }
    f.gather_numbers_vartime(products.data() + e * f.words(), read);
  }
  auto inverses = invert_batch_vartime(f, products.data(), elements);
  if (!inverses) throw Error(ErrorKind::invalid_ciphertext, "a ciphertext is not a unit mod n^2");
  std::vector<Word*> written(lanes);
  for (std::size_t e = 0; e < elements; ++e) {
    Word* const inverse = inverses->data() + e * f.words();
    for (unsigned i = 0; i + 1 < plan_.shape().bits; ++i) f.sqr(inverse, inverse);
    for (std::size_t lane = 0; lane < lanes; ++lane) written[lane] = corrections_[e * lanes + lane];
    f.scatter_numbers_vartime(written, inverse);
  }
}

void MatrixProduct::make_output(std::size_t task) {
  const PairArithmetic& f = output_arithmetic_;
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
