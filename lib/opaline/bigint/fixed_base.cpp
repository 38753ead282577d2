#include "opaline/bigint/fixed_base.h"

#include <algorithm>

#include "opaline/base/error.h"
#include "opaline/base/parallel.h"
#include "opaline/bigint/exponent_digits.h"
#include "opaline/bigint/exponentiation.h"

namespace opaline {
namespace {

/// Seven bits balance products against table reading; fewer where the table would grow too large.
std::size_t digit_width(const PairArithmetic& f, std::size_t bits) {
  std::size_t width = 7;
  const auto bytes = [&] {
    return (bits + width - 1) / width * f.compact_words(std::size_t{1} << width) * sizeof(Word);
  };
  while (width > 4 && bytes() > FixedBase::kLargestTable) --width;
  return width;
}

}  // namespace

FixedBase::FixedBase(const PairArithmetic& arithmetic, const Word* base, const Word* inverse,
                     std::size_t bits)
    : f_(arithmetic),
      bits_(std::max<std::size_t>(bits, 1)),
      width_(digit_width(f_, bits_)),
      table_(places() * f_.compact_words(entries())) {
  const WordVector bases = steps(base);
  const WordVector inverses = steps(inverse);
  const std::size_t words = f_.words();
  parallel_for(places(), [&](std::size_t i) {
    WordVector powers(entries() * words);
    WordVector inverse_power(words);
    set_one(f_, powers.data());
    set_one(f_, inverse_power.data());
    for (std::size_t d = 1; d < entries(); ++d) {
      f_.mul(powers.data() + d * words, powers.data() + (d - 1) * words, bases.data() + i * words);
    }
    for (std::size_t d = 0; d < entries(); ++d) {
      Word* const second_half = powers.data() + d * words + f_.half_words();
      f_.mul_halves(second_half, inverse_power.data(), second_half);
      f_.mul(inverse_power.data(), inverse_power.data(), inverses.data() + i * words);
    }
    f_.compact(table_.data() + i * f_.compact_words(entries()), powers.data(), entries());
  });
}

WordVector FixedBase::steps(const Word* base) const {
  const std::size_t words = f_.words();
  WordVector powers(places() * words);
  std::copy_n(base, words, powers.data());
  for (std::size_t i = 1; i < places(); ++i) {
    Word* const power = powers.data() + i * words;
    std::copy_n(power - words, words, power);
    for (std::size_t j = 0; j < width_; ++j) f_.sqr(power, power);
  }
  return powers;
}

void FixedBase::prefetch(std::size_t i, std::size_t slice, std::size_t slices) const {
  if (i == places()) return;
  constexpr std::size_t kLine = 64 / sizeof(Word);
  const std::size_t lines = f_.compact_words(entries()) / kLine;
  const Word* const next = place(i);
  for (std::size_t line = lines * slice / slices; line < lines * (slice + 1) / slices; ++line) {
    __builtin_prefetch(next + kLine * line, 0, 2);
  }
}

void FixedBase::pow(std::span<WordVector> results, std::span<const Word> exponents) const {
  const std::size_t group = f_.lanes() * exponent_words(bits_);
  if (exponents.size() != results.size() * group) {
    throw Error(ErrorKind::invalid_argument, "one exponent a lane is needed");
  }
  std::vector<ExponentDigits> digits;
  digits.reserve(results.size());
  for (std::size_t g = 0; g < results.size(); ++g) {
    digits.emplace_back(exponents.subspan(g * group, group), f_.lanes(), bits_, width_);
  }
  const std::size_t words = f_.words();
  const std::size_t half = f_.half_words();
  SecretVector<std::uint32_t> index(results.size() * f_.lanes());
  WordVector found(results.size() * words);
  WordVector sums(results.size() * half);
  for (std::size_t i = 0; i < places(); ++i) {
    for (std::size_t g = 0; g < results.size(); ++g) {
      digits[g].read(i, std::span(index).subspan(g * f_.lanes(), f_.lanes()));
    }
    f_.select_compact(found.data(), place(i), entries(), index);
    for (std::size_t g = 0; g < results.size(); ++g) {
      prefetch(i + 1, g, results.size());
      Word* const result = results[g].data();
      const Word* const entry = found.data() + g * words;
      if (i == 0) {
        std::copy_n(entry, half, result);
        std::fill_n(result + half, half, 0);
      } else {
        f_.mul_first_half(result, result, entry);
      }
      Word* const sum = sums.data() + g * half;
      f_.add_halves(sum, sum, entry + half);
    }
  }
  for (std::size_t g = 0; g < results.size(); ++g) {
    f_.mul_one_plus_km(results[g].data(), results[g].data(), sums.data() + g * half);
  }
}

}  // namespace opaline
