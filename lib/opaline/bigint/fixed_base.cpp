#include "opaline/bigint/fixed_base.h"

#include <algorithm>

#include "opaline/base/parallel.h"
#include "opaline/bigint/exponent_digits.h"
#include "opaline/bigint/exponentiation.h"

namespace opaline {
namespace {

/// Six bits balance products against table reading; fewer where the table would grow too large.
std::size_t digit_width(const PairArithmetic& f, std::size_t bits) {
  std::size_t width = 6;
  const auto bytes = [&] {
    return (bits + width - 1) / width * f.compact_words(std::size_t{1} << width) * sizeof(Word);
  };
  while (width > 4 && bytes() > FixedBase::kLargestTable) --width;
  return width;
}

}  // namespace

FixedBase::FixedBase(const PairArithmetic& arithmetic, const Word* base, std::size_t bits)
    : f_(arithmetic),
      bits_(std::max<std::size_t>(bits, 1)),
      width_(digit_width(f_, bits_)),
      table_(places() * f_.compact_words(entries())) {
  const std::size_t words = f_.words();
  WordVector bases(places() * words);  // base^(2^(w·i))
  std::copy_n(base, words, bases.data());
  for (std::size_t i = 1; i < places(); ++i) {
    Word* const power = bases.data() + i * words;
    std::copy_n(power - words, words, power);
    for (std::size_t j = 0; j < width_; ++j) f_.sqr(power, power);
  }
  parallel_for(places(), [&](std::size_t i) {
    const Word* const step = bases.data() + i * words;
    WordVector powers(entries() * words);
    set_one(f_, powers.data());
    for (std::size_t d = 1; d < entries(); ++d) {
      f_.mul(powers.data() + d * words, powers.data() + (d - 1) * words, step);
    }
    f_.compact(table_.data() + i * f_.compact_words(entries()), powers.data(), entries());
  });
}

void FixedBase::pow(std::span<WordVector> results, std::span<const std::vector<Integer>> exponents) const {
  std::vector<ExponentDigits> digits;
  digits.reserve(exponents.size());
  for (const std::vector<Integer>& lanes : exponents) digits.emplace_back(lanes, f_.lanes(), bits_, width_);
  SecretVector<std::uint32_t> index(f_.lanes());
  WordVector factor(f_.words());
  for (std::size_t i = 0; i < places(); ++i) {
    for (std::size_t g = 0; g < results.size(); ++g) {
      digits[g].read(i, index);
      if (i == 0) {
        f_.select_compact(results[g].data(), place(0), entries(), index);
      } else {
        f_.select_compact(factor.data(), place(i), entries(), index);
        f_.mul(results[g].data(), results[g].data(), factor.data());
      }
    }
  }
}

}  // namespace opaline
