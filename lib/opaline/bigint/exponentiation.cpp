#include "opaline/bigint/exponentiation.h"

#include <algorithm>
#include <vector>

#include "opaline/base/error.h"
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

void pow(const PairArithmetic& f, Word* r, const Word* x, std::span<const Integer> exponents,
         std::size_t bits) {
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
  std::vector<std::uint32_t> index(f.lanes());
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
  wipe(index.data(), index.size() * sizeof(index[0]));
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
