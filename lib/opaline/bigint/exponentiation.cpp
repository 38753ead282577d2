#include "opaline/bigint/exponentiation.h"

#include <algorithm>
#include <limits>
#include <vector>

#include "opaline/base/error.h"
#include "opaline/base/secret.h"
#include "opaline/bigint/exponent_digits.h"

namespace opaline {
namespace {

/// Squarings and table building balanced for exponents of that many bits.
std::size_t window_bits(std::size_t bits) {
  if (bits <= 8) return 1;
  if (bits <= 64) return 3;
  if (bits <= 512) return 4;
  return bits <= 1536 ? 5 : 6;
}

void copy(const PairArithmetic& f, Word* r, const Word* x) {
  if (r != x) std::copy_n(x, f.words(), r);
}

}  // namespace

void set_one(const PairArithmetic& f, Word* r) { f.load(r, std::vector<Integer>(f.lanes(), 1)); }

WordVector exponents_of(std::span<const Integer> exponents, std::size_t bits) {
  const std::size_t size = exponent_words(bits);
  WordVector words(exponents.size() * size);
  for (std::size_t i = 0; i < exponents.size(); ++i) {
    if (exponents[i] < 0 || bit_length(exponents[i]) > bits) {
      throw Error(ErrorKind::invalid_argument, "an exponent lies outside its declared bits");
    }
    to_words(exponents[i], std::span(words).subspan(i * size, size));
  }
  return words;
}

void pow(const PairArithmetic& f, Word* r, const Word* x, std::span<const Word> exponents, std::size_t bits) {
  const std::size_t width = window_bits(bits);
  const std::size_t entries = std::size_t{1} << width;
  const std::size_t words = f.words();

  WordVector table(entries * words);
  set_one(f, table.data());
  std::copy_n(x, words, table.data() + words);
  for (std::size_t i = 2; i < entries; ++i) {
    Word* entry = table.data() + i * words;
    if (i % 2 == 0) {
      f.sqr(entry, table.data() + (i / 2) * words);
    } else {
      f.mul(entry, entry - words, x);
    }
  }

  const ExponentDigits digits(exponents, f.lanes(), bits, width);
  WordVector factor(words);
  WordVector result(words);
  SecretVector<std::uint32_t> index(f.lanes());
  const auto select = [&](Word* out, std::size_t position) {
    digits.read(position, index);
    f.select(out, table.data(), entries, index);
  };

  std::size_t position = digits.count() - 1;
  select(result.data(), position);
  while (position > 0) {
    --position;
    for (std::size_t i = 0; i < width; ++i) f.sqr(result.data(), result.data());
    select(factor.data(), position);
    f.mul(result.data(), result.data(), factor.data());
  }
  copy(f, r, result.data());
}

SlidingPower::SlidingPower(const PairArithmetic& f, const Word* x, const Integer& exponent)
    : f_(f), exponent_(exponent), width_(1), left_(0), square_(f.words()), result_(f.words()) {
  if (exponent < 0) throw Error(ErrorKind::invalid_argument, "exponent must not be negative");
  left_ = bit_length(exponent);
  width_ = window_bits(left_);
  table_.resize((std::size_t{1} << (width_ - 1)) * f.words());
  std::copy_n(x, f.words(), table_.data());
  if (left_ == 0) set_one(f, result_.data());
}

std::size_t SlidingPower::add_odd_power() {
  const std::size_t words = f_.words();
  if (powers_ == 1) f_.sqr(square_.data(), table_.data());
  f_.mul(table_.data() + powers_ * words, table_.data() + (powers_ - 1) * words, square_.data());
  ++powers_;
  return 1;
}

std::size_t SlidingPower::take_digit() {
  if (!bit(left_ - 1)) {
    f_.sqr(result_.data(), result_.data());
    --left_;
    return 1;
  }
  std::size_t low = left_ > width_ ? left_ - width_ : 0;
  while (!bit(low)) ++low;
  std::size_t digit = 0;
  for (std::size_t i = left_; i > low; --i) {
    digit = 2 * digit + (bit(i - 1) ? 1 : 0);
    if (started_) f_.sqr(result_.data(), result_.data());
  }
  const Word* const power = table_.data() + (digit / 2) * f_.words();
  if (started_) {
    f_.mul(result_.data(), result_.data(), power);
  } else {
    std::copy_n(power, f_.words(), result_.data());
    started_ = true;
  }
  const std::size_t products = left_ - low + 1;
  left_ = low;
  return products;
}

bool SlidingPower::advance(std::size_t products) {
  const std::size_t most_powers = table_.size() / f_.words();
  for (std::size_t done = 0; done < products && left_ > 0;) {
    done += powers_ < most_powers ? add_odd_power() : take_digit();
  }
  return left_ == 0;
}

void pow_vartime(const PairArithmetic& f, Word* r, const Word* x, const Integer& exponent) {
  SlidingPower power(f, x, exponent);
  power.advance(std::numeric_limits<std::size_t>::max());
  std::copy_n(power.result(), f.words(), r);
}

void pow_vartime(const PairArithmetic& f, Word* r, const Word* x, std::span<const Integer> exponents) {
  std::size_t bits = 0;
  for (const Integer& exponent : exponents) {
    if (exponent < 0) throw Error(ErrorKind::invalid_argument, "exponent must not be negative");
    bits = std::max<std::size_t>(bits, bit_length(exponent));
  }
  if (exponents.size() != f.lanes()) {
    throw Error(ErrorKind::invalid_argument, "there must be one exponent a lane");
  }
  const std::size_t width = window_bits(bits);
  const std::size_t entries = std::size_t{1} << width;

  // Lanes read different powers, so these are kept as numbers of their own.
  WordVector table(entries * f.lanes() * f.number_words());
  const auto number = [&](std::size_t power, std::size_t lane) {
    return table.data() + (power * f.lanes() + lane) * f.number_words();
  };
  std::vector<Word*> written(f.lanes());
  WordVector result(f.words());
  set_one(f, result.data());
  for (std::size_t power = 0; power < entries; ++power) {
    if (power > 0) f.mul(result.data(), result.data(), x);
    for (std::size_t lane = 0; lane < f.lanes(); ++lane) written[lane] = number(power, lane);
    f.scatter_numbers_vartime(written, result.data());
  }

  const auto digit = [&](std::size_t lane, std::size_t position) {
    std::size_t value = 0;
    for (std::size_t i = width; i-- > 0;) {
      value = 2 * value + (bit_test(exponents[lane], static_cast<unsigned>(position * width + i)) ? 1 : 0);
    }
    return value;
  };
  WordVector factor(f.words());
  std::vector<const Word*> read(f.lanes());
  const auto gather = [&](Word* out, std::size_t position) {
    for (std::size_t lane = 0; lane < f.lanes(); ++lane) read[lane] = number(digit(lane, position), lane);
    f.gather_numbers_vartime(out, read);
  };
  std::size_t position = (std::max<std::size_t>(bits, 1) - 1) / width;
  gather(result.data(), position);
  while (position > 0) {
    --position;
    for (std::size_t i = 0; i < width; ++i) f.sqr(result.data(), result.data());
    gather(factor.data(), position);
    f.mul(result.data(), result.data(), factor.data());
  }
  copy(f, r, result.data());
}

}  // namespace opaline
