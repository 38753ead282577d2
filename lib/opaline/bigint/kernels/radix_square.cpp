#include "opaline/bigint/kernels/radix_square.h"

#include <algorithm>
#include <cassert>

namespace opaline {
namespace {

/// x = 2·x + carry_in mod m, for x below m and carry_in 0 or 1; how often m was taken off.
Word double_mod(std::span<Word> x, std::span<const Word> m, Word carry_in) {
  Word carry = add(x, x, x);
  x[0] |= carry_in;
  const Word taken = carry | (1 ^ is_below(x, m));
  subtract_if(taken, x, m);
  return taken;
}

}  // namespace

void radix_square(std::span<Word> halves, const Divider& divider, std::span<const Word> m,
                  std::size_t radix_bits) {
  const std::size_t n = m.size();
  assert(halves.size() == 2 * n && divider.size() == n && radix_bits >= divider.bits());
  const auto a = halves.first(n);
  const auto b = halves.last(n);
  const std::size_t start = 2 * divider.bits() - 2;  // 2^start < m²
  WordVector power(2 * n);
  power[start / 64] = Word{1} << (start % 64);
  divider.divide(b, a, power);
  for (std::size_t bit = start; bit < 2 * radix_bits; ++bit) {
    const Word carry = double_mod(a, m, 0);
    double_mod(b, m, carry);  // 2·b + 1 ≤ 2·m − 1
  }
}

}  // namespace opaline
