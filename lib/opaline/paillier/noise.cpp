#include "opaline/paillier/noise.h"

#include <algorithm>
#include <utility>

#include "opaline/base/constant_time.h"
#include "opaline/bigint/divider.h"
#include "opaline/bigint/exponentiation.h"

namespace opaline {
namespace {

/// Fills numbers of two moduli's size each, the upper halves zero, with uniform units. Whether all are units
/// is asked of their product times as many random numbers more, which says nothing else about them.
void draw_units(std::span<Word> numbers, std::span<const Word> n) {
  const std::size_t size = n.size();
  const Divider by_n(n);
  WordVector product(size);
  WordVector blind(size);
  WordVector square(2 * size);
  const auto multiply_by = [&](std::span<const Word> x) {
    multiply(square, product, x);
    by_n.remainder(product, square);
  };
  const Integer modulus = from_words(n);
  do {
    std::fill(product.begin(), product.end(), 0);
    product[0] = 1;
    for (std::size_t at = 0; at < numbers.size(); at += 2 * size) {
      random_below(numbers.subspan(at, size), n);
      random_below(blind, n);
      multiply_by(numbers.subspan(at, size));
      multiply_by(blind);
    }
    declassify(std::span<const Word>(product));
  } while (gcd_vartime(from_words(product), modulus) != 1);
}

}  // namespace

void load_random_units(const PairArithmetic& arithmetic, Word* r, std::size_t count) {
  const std::size_t size = arithmetic.modulus_size();
  WordVector numbers(2 * arithmetic.lanes() * size);
  std::size_t first = 0;
  while (first < count) {
    const std::span<const Word> n = arithmetic.modulus_words(first);
    std::size_t end = first + 1;
    while (end < count && is_equal(arithmetic.modulus_words(end), n) == 1) ++end;
    draw_units(std::span(numbers).subspan(2 * first * size, 2 * (end - first) * size), n);
    first = end;
  }
  for (std::size_t lane = count; lane < arithmetic.lanes(); ++lane) numbers[2 * lane * size] = 1;
  arithmetic.load_words(r, numbers.data());
}

void fresh_public_noise(const PairArithmetic& arithmetic, Word* r, std::size_t count) {
  load_random_units(arithmetic, r, count);
  pow_vartime(arithmetic, r, r, arithmetic.modulus(0));
}

std::vector<Integer> fresh_public_noise(const PairArithmetic& arithmetic) {
  WordVector noise(arithmetic.words());
  fresh_public_noise(arithmetic, noise.data(), arithmetic.lanes());
  return arithmetic.store(noise.data());
}

std::vector<Integer> fresh_mixed_noise(const PairArithmetic& arithmetic) {
  std::vector<Integer> exponents;
  for (std::size_t lane = 0; lane < arithmetic.lanes(); ++lane) exponents.push_back(arithmetic.modulus(lane));
  WordVector noise(arithmetic.words());
  load_random_units(arithmetic, noise.data(), arithmetic.lanes());
  pow_vartime(arithmetic, noise.data(), noise.data(), exponents);
  return arithmetic.store(noise.data());
}

void hide(const PairArithmetic& arithmetic, std::span<const Word> plaintexts, Word* noise,
          std::vector<Integer>& ciphertexts) {
  const std::size_t size = arithmetic.modulus_size();
  WordVector lanes(arithmetic.lanes() * size);
  std::copy(plaintexts.begin(), plaintexts.end(), lanes.begin());
  WordVector message(arithmetic.half_words());
  arithmetic.load_half_words(message.data(), lanes.data());
  arithmetic.mul_one_plus_km(noise, noise, message.data());
  // Ciphertexts may be known.
  declassify(noise, arithmetic.words() * sizeof(Word));
  std::vector<Integer> values = arithmetic.store(noise);
  for (std::size_t i = 0; i < plaintexts.size() / size; ++i) ciphertexts.push_back(std::move(values[i]));
}

std::vector<Integer> hidden(const PairArithmetic& arithmetic, std::span<const Integer> ciphertexts,
                            std::span<const Word> plaintexts, std::span<const Integer> noise) {
  const auto element_of = [&](std::span<const Integer> numbers) {
    std::vector<Integer> lanes(arithmetic.lanes(), 1);
    std::copy(numbers.begin(), numbers.end(), lanes.begin());
    WordVector element(arithmetic.words());
    arithmetic.load(element.data(), lanes);
    return element;
  };
  WordVector product = element_of(ciphertexts);
  if (!noise.empty()) arithmetic.mul(product.data(), product.data(), element_of(noise).data());
  WordVector residues(plaintexts.begin(), plaintexts.end());
  residues.resize(ciphertexts.size() * arithmetic.modulus_size());
  std::vector<Integer> results;
  hide(arithmetic, residues, product.data(), results);
  return results;
}

Integer hide_bare(const PairArithmetic& arithmetic, std::span<const Word> plaintext) {
  WordVector one(arithmetic.words());
  set_one(arithmetic, one.data());
  std::vector<Integer> bare;
  hide(arithmetic, plaintext, one.data(), bare);
  return std::move(bare.front());
}

}  // namespace opaline
