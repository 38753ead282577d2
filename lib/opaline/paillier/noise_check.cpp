#include "opaline/paillier/noise_check.h"

#include <algorithm>
#include <functional>
#include <numeric>

#include "opaline/base/constant_time.h"
#include "opaline/base/error.h"
#include "opaline/base/parallel.h"
#include "opaline/bigint/exponent_digits.h"
#include "opaline/bigint/exponentiation.h"

namespace opaline {
namespace {

constexpr std::size_t kWidth = 4;
constexpr std::size_t kEntries = std::size_t{1} << kWidth;

}  // namespace

NoiseCheck::NoiseCheck(const SecretKey& key, const Backend& backend)
    : crt_(key, backend, CrtArithmetic::Halves::side_by_side),
      slice_size_((crt_.prime_size() + slices() - 1) / slices()) {
  const std::size_t size = crt_.prime_size();
  for (std::size_t half = 0; half < 2; ++half) {
    others_[half] = crt_.other_prime(half);
    orders_[half] = crt_.order(half);
  }

  const std::array<std::span<const Word>, 2> generators = {key.generator_p()->h.words(),
                                                           key.generator_q()->h.words()};
  const std::size_t bits = 64 * slice_size_ * (slices() - 1) + 1;
  for (std::size_t group = 0; group < crt_.groups(); ++group) {
    const PairArithmetic& f = crt_.group(group);
    WordVector numbers(2 * f.lanes() * size);
    WordVector exponents(f.lanes() * exponent_words(bits));
    for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
      const std::span<const Word> generator = generators[crt_.half(group, lane)];
      std::copy(generator.begin(), generator.end(),
                numbers.begin() + static_cast<std::ptrdiff_t>(2 * lane * size));
      exponents[lane * exponent_words(bits) + slice(lane) * slice_size_] = 1;
    }
    WordVector element(f.words());
    f.load_words(element.data(), numbers.data());
    require_orders(group, element.data());
    pow(f, element.data(), element.data(), exponents, bits);
    tables_.push_back(powers(group, element.data()));
  }
}

void NoiseCheck::require_orders(std::size_t group, const Word* generators) const {
  const PairArithmetic& f = crt_.group(group);
  const std::size_t size = crt_.prime_size();
  WordVector exponents;
  for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
    const WordVector& order = orders_[crt_.half(group, lane)];
    exponents.insert(exponents.end(), order.begin(), order.end());
  }
  WordVector power(f.words());
  pow(f, power.data(), generators, exponents, crt_.prime_bits());
  WordVector numbers(2 * f.lanes() * size);
  f.store_words(numbers.data(), power.data());
  WordVector one(2 * size);
  one[0] = 1;
  Word right = 1;
  for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
    right &= is_equal(std::span<const Word>(numbers).subspan(2 * lane * size, 2 * size), one);
  }
  if (declassified(right) == 0) {
    throw Error(ErrorKind::fault, "a generator contradicts its prime (a computing fault)");
  }
}

WordVector NoiseCheck::powers(std::size_t group, const Word* generators) const {
  const PairArithmetic& f = crt_.group(group);
  const std::size_t words = f.words();
  WordVector table(slice_size_ * kEntries * words);
  WordVector base(generators, generators + words);
  for (std::size_t j = 0; j < slice_size_; ++j) {
    Word* const entries = table.data() + j * kEntries * words;
    set_one(f, entries);
    for (std::size_t d = 1; d < kEntries; ++d) {
      f.mul(entries + d * words, entries + (d - 1) * words, base.data());
    }
    for (int i = 0; i < 64; ++i) f.sqr(base.data(), base.data());
  }
  return table;
}

/// Of every lane its generators' powers with the slice_size_ words that are its own.
WordVector NoiseCheck::power(std::size_t group, std::span<const Word> exponents) const {
  const PairArithmetic& f = crt_.group(group);
  const std::size_t words = f.words();
  std::vector<ExponentDigits> digits;
  digits.reserve(slice_size_);
  WordVector one_each(f.lanes());
  for (std::size_t j = 0; j < slice_size_; ++j) {
    for (std::size_t lane = 0; lane < f.lanes(); ++lane) one_each[lane] = exponents[lane * slice_size_ + j];
    digits.emplace_back(one_each, f.lanes(), 64, kWidth);
  }
  WordVector result(words);
  set_one(f, result.data());
  WordVector factor(words);
  SecretVector<std::uint32_t> index(f.lanes());
  for (std::size_t position = digits.front().count(); position-- > 0;) {
    for (std::size_t i = 0; i < kWidth; ++i) f.sqr(result.data(), result.data());
    for (std::size_t j = 0; j < slice_size_; ++j) {
      digits[j].read(position, index);
      f.select(factor.data(), tables_[group].data() + j * kEntries * words, kEntries, index);
      f.mul(result.data(), result.data(), factor.data());
    }
  }
  return result;
}

/// In every lane the product of all lanes of the same half.
void NoiseCheck::multiply_lanes(std::size_t group, WordVector& element) const {
  const PairArithmetic& f = crt_.group(group);
  const std::size_t size = crt_.prime_size();
  WordVector numbers(2 * f.lanes() * size);
  f.store_words(numbers.data(), element.data());
  WordVector wholes(numbers.size());
  for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
    crt_.join(std::span(wholes).subspan(2 * lane * size, 2 * size),
              std::span<const Word>(numbers).subspan(2 * lane * size, 2 * size), crt_.half(group, lane));
  }
  WordVector factor(f.words());
  for (std::size_t i = 1; i < slices(); ++i) {
    const auto lanes = static_cast<std::ptrdiff_t>(2 * size * (f.lanes() / slices()));
    std::rotate(wholes.begin(), wholes.begin() + lanes, wholes.end());
    f.load_words(factor.data(), wholes.data());
    f.mul(element.data(), element.data(), factor.data());
  }
}

Word NoiseCheck::group_agrees(std::size_t group, std::span<const Word> product,
                              std::span<const Word> plaintext,
                              const std::array<WordVector, 2>& exponents) const {
  const PairArithmetic& f = crt_.group(group);
  const std::size_t size = crt_.prime_size();
  WordVector sliced(f.lanes() * slice_size_);
  WordVector residues(f.lanes() * size);
  for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
    const std::size_t half = crt_.half(group, lane);
    const std::size_t first = std::min(slice(lane) * slice_size_, size);
    const std::size_t count = std::min(slice_size_, size - first);
    std::copy_n(exponents[half].begin() + static_cast<std::ptrdiff_t>(first), count,
                sliced.begin() + static_cast<std::ptrdiff_t>(lane * slice_size_));
    if (slice(lane) != 0) continue;
    const auto residue = std::span(residues).subspan(lane * size, size);
    crt_.reduce(residue, plaintext, half);
    crt_.multiply_mod(residue, residue, others_[half], half);
  }
  WordVector element = power(group, sliced);
  WordVector message(f.half_words());
  f.load_half_words(message.data(), residues.data());
  f.mul_one_plus_km(element.data(), element.data(), message.data());
  multiply_lanes(group, element);

  WordVector numbers(2 * f.lanes() * size);
  f.store_words(numbers.data(), element.data());
  WordVector calculated(2 * size);
  WordVector given(2 * size);
  Word right = 1;
  for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
    if (slice(lane) != 0) continue;
    const std::size_t half = crt_.half(group, lane);
    crt_.join(calculated, std::span<const Word>(numbers).subspan(2 * lane * size, 2 * size), half);
    crt_.reduce_square(given, product, half);
    right &= is_equal(calculated, given);
  }
  return right;
}

Word NoiseCheck::agrees(const Integer& product, std::span<const Word> plaintext,
                        std::span<const Word> exponents) const {
  const std::size_t size = crt_.prime_size();
  std::array<WordVector, 2> sums = {WordVector(size), WordVector(size)};
  for (std::size_t at = 0; at < exponents.size(); at += size) {
    const std::size_t half = at / size % 2;
    const Word carry = add(sums[half], sums[half], exponents.subspan(at, size));
    subtract_if(carry | (1 ^ is_below(sums[half], orders_[half])), sums[half], orders_[half]);
  }
  WordVector words(crt_.n_squared_size());
  to_words(product, words);
  WordVector right(crt_.groups());
  parallel_for(crt_.groups(),
               [&](std::size_t group) { right[group] = group_agrees(group, words, plaintext, sums); });
  return std::accumulate(right.begin(), right.end(), Word{1}, std::bit_and<>());
}

}  // namespace opaline
