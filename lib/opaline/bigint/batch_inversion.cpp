#include "opaline/bigint/batch_inversion.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace opaline {
namespace {

/// Inverts the numbers of all lanes; false if one is not a unit. Lanes of one modulus share an inversion.
bool invert_lanes_vartime(const PairArithmetic& f, std::vector<Integer>& numbers) {
  std::size_t first = 0;
  while (first < numbers.size()) {
    const Integer& m = f.modulus(first);
    const Integer m_squared = m * m;
    std::size_t end = first + 1;
    while (end < numbers.size() && f.modulus(end) == m) ++end;

    std::vector<Integer> products = {numbers[first]};  // of the numbers from the first on
    for (std::size_t lane = first + 1; lane < end; ++lane) {
      products.push_back(products.back() * numbers[lane] % m_squared);
    }
    if (gcd_vartime(products.back(), m) != 1) return false;
    Integer inverse = invert_vartime(products.back(), m_squared);
    for (std::size_t lane = end - 1; lane > first; --lane) {
      Integer number = inverse * products[lane - 1 - first] % m_squared;
      inverse = inverse * numbers[lane] % m_squared;
      std::swap(numbers[lane], number);
    }
    numbers[first] = inverse;
    first = end;
  }
  return true;
}

}  // namespace

std::optional<WordVector> invert_batch_vartime(const PairArithmetic& f, const Word* elements,
                                               std::size_t count) {
  const std::size_t words = f.words();
  WordVector inverses(count * words);
  if (count == 0) return inverses;

  // inverses[i] first holds the product of elements 0 … i.
  std::copy_n(elements, words, inverses.data());
  for (std::size_t i = 1; i < count; ++i) {
    f.mul(inverses.data() + i * words, inverses.data() + (i - 1) * words, elements + i * words);
  }
  WordVector inverse(words);
  std::vector<Integer> products = f.store(inverses.data() + (count - 1) * words);
  if (!invert_lanes_vartime(f, products)) return std::nullopt;
  f.load(inverse.data(), products);
  for (std::size_t i = count - 1; i > 0; --i) {
    Word* const place = inverses.data() + i * words;
    f.mul(place, inverse.data(), place - words);
    f.mul(inverse.data(), inverse.data(), elements + i * words);
  }
  std::copy_n(inverse.data(), words, inverses.data());
  return inverses;
}

}  // namespace opaline
