#include "opaline/bigint/exponentiation.h"

#include <algorithm>
#include <array>
#include <vector>

#include "opaline/base/error.h"

namespace opaline {
namespace {

constexpr std::size_t kLargestLaneCount = 64;

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

/// The exponents of all lanes cut into digits of `width` bits.
class Digits {
 public:
  Digits(std::span<const Integer> exponents, std::size_t bits, std::size_t width)
      : width_(width), words_((bits + 63) / 64 + 1), exponents_(exponents.size() * words_) {
    for (std::size_t lane = 0; lane < exponents.size(); ++lane) {
      to_words(exponents[lane], std::span(exponents_).subspan(lane * words_, words_));
    }
  }

  std::uint32_t digit(std::size_t lane, std::size_t position) const {
    const std::size_t bit = position * width_;
    const Word* words = exponents_.data() + lane * words_ + bit / 64;
    const std::size_t shift = bit % 64;
    const Word low = words[0] >> shift;
    const Word high = shift == 0 ? 0 : words[1] << (64 - shift);  // shift is public
    return static_cast<std::uint32_t>((low | high) & ((Word{1} << width_) - 1));
  }

 private:
  std::size_t width_;
  std::size_t words_;
  WordVector exponents_;
};

}  // namespace

void set_one(const PairArithmetic& f, Word* r) { f.load(r, std::vector<Integer>(f.lanes(), 1)); }

void pow(const PairArithmetic& f, Word* r, const Word* x, std::span<const Integer> exponents,
         std::size_t bits) {
  if (exponents.size() != f.lanes() || f.lanes() > kLargestLaneCount) {
    throw Error(ErrorKind::invalid_argument, "one exponent a lane is needed");
  }
  for (const Integer& exponent : exponents) {
    if (exponent < 0 || bit_length(exponent) > bits) {
      throw Error(ErrorKind::invalid_argument, "exponent outside its declared bits");
    }
  }
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

  const Digits digits(exponents, bits, width);
  WordVector factor(words);
  WordVector result(words);
  std::array<std::uint32_t, kLargestLaneCount> index{};
  const auto select = [&](Word* out, std::size_t position) {
    for (std::size_t lane = 0; lane < f.lanes(); ++lane) index[lane] = digits.digit(lane, position);
    f.select(out, table.data(), entries, std::span(index).first(f.lanes()));
  };

  std::size_t position = std::max<std::size_t>((bits + width - 1) / width, 1) - 1;
  select(result.data(), position);
  while (position > 0) {
    --position;
    for (std::size_t i = 0; i < width; ++i) f.sqr(result.data(), result.data());
    select(factor.data(), position);
    f.mul(result.data(), result.data(), factor.data());
  }
  wipe(index.data(), sizeof(index));
  copy(f, r, result.data());
}

void pow_vartime(const PairArithmetic& f, Word* r, const Word* x, const Integer& exponent) {
  if (exponent < 0) throw Error(ErrorKind::invalid_argument, "exponent must not be negative");
  const std::size_t bits = bit_length(exponent);
  if (bits == 0) {
    set_one(f, r);
    return;
  }
  const std::size_t words = f.words();
  const std::size_t width = window_bits(bits);
  const auto bit = [&](std::size_t i) { return bit_test(exponent, static_cast<unsigned>(i)); };

  // Odd powers x, x³, x⁵, …
  WordVector table((std::size_t{1} << (width - 1)) * words);
  std::copy_n(x, words, table.data());
  if (width > 1) {
    WordVector square(words);
    f.sqr(square.data(), x);
    for (std::size_t i = 1; i < std::size_t{1} << (width - 1); ++i) {
      f.mul(table.data() + i * words, table.data() + (i - 1) * words, square.data());
    }
  }

  WordVector result(words);
  bool started = false;
  std::size_t left = bits;  // bits not yet used, from the top
  while (left > 0) {
    if (!bit(left - 1)) {
      f.sqr(result.data(), result.data());
      --left;
      continue;
    }
    std::size_t low = left > width ? left - width : 0;
    while (!bit(low)) ++low;
    std::size_t digit = 0;
    for (std::size_t i = left; i > low; --i) {
      digit = 2 * digit + (bit(i - 1) ? 1 : 0);
      if (started) f.sqr(result.data(), result.data());
    }
    const Word* power = table.data() + (digit / 2) * words;
    if (started) {
      f.mul(result.data(), result.data(), power);
    } else {
      std::copy_n(power, words, result.data());
      started = true;
    }
    left = low;
  }
  copy(f, r, result.data());
}

}  // namespace opaline
