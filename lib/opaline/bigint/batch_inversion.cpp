#include "opaline/bigint/batch_inversion.h"

#include <algorithm>
#include <vector>

namespace opaline {

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
  for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
    const Integer m_squared = f.modulus(lane) * f.modulus(lane);
    if (gcd_vartime(products[lane], m_squared) != 1) return std::nullopt;
    products[lane] = invert_vartime(products[lane], m_squared);
  }
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
