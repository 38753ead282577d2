#include "opaline/bigint/kernels/limb_products.h"

#include <gmp.h>

#include <array>
#include <cassert>

namespace opaline {
namespace {

using Word = std::uint64_t;

/// Where Karatsuba's identity begins to pay.
constexpr std::size_t kSmallestHalved = 24;

mp_size_t size(std::size_t limbs) { return static_cast<mp_size_t>(limbs); }

bool halved(std::size_t n) { return n >= kSmallestHalved && n % 2 == 0; }

/// x += carry; what carries out.
Word add_carry(Word* x, std::size_t n, Word carry) {
  std::array<Word, kMostLimbs> scratch;
  assert(mpn_sec_add_1_itch(size(n)) <= size(scratch.size()));
  return mpn_sec_add_1(x, x, size(n), carry, scratch.data());
}

/// In: r = lo·lo' + hi·hi'·2^(128h), 4h limbs; middle + top·2^(128h) = (lo + hi)·(lo' + hi'), 2h limbs.
/// Out: r = the product.
void add_middle(Word* r, Word* middle, Word top, std::size_t h) {
  top -= mpn_sub_n(middle, middle, r, size(2 * h));
  top -= mpn_sub_n(middle, middle, r + 2 * h, size(2 * h));
  top += mpn_add_n(r + h, r + h, middle, size(2 * h));
  [[maybe_unused]] const Word out = add_carry(r + 3 * h, h, top);
  assert(out == 0);
}

}  // namespace

void multiply_limbs(Word* r, const Word* x, const Word* y, std::size_t n) {
  if (!halved(n)) {
    std::array<Word, 4 * kMostLimbs + 64> scratch;
    assert(mpn_sec_mul_itch(size(n), size(n)) <= size(scratch.size()));
    mpn_sec_mul(r, x, size(n), y, size(n), scratch.data());
    return;
  }
  const std::size_t h = n / 2;
  multiply_limbs(r, x, y, h);
  multiply_limbs(r + n, x + h, y + h, h);
  std::array<Word, kMostLimbs / 2> x_sum;
  std::array<Word, kMostLimbs / 2> y_sum;
  std::array<Word, kMostLimbs> middle;
  const Word x_carry = mpn_add_n(x_sum.data(), x, x + h, size(h));
  const Word y_carry = mpn_add_n(y_sum.data(), y, y + h, size(h));
  multiply_limbs(middle.data(), x_sum.data(), y_sum.data(), h);
  Word top = x_carry & y_carry;
  top += mpn_cnd_add_n(x_carry, middle.data() + h, middle.data() + h, y_sum.data(), size(h));
  top += mpn_cnd_add_n(y_carry, middle.data() + h, middle.data() + h, x_sum.data(), size(h));
  add_middle(r, middle.data(), top, h);
}

void square_limbs(Word* r, const Word* x, std::size_t n) {
  if (!halved(n)) {
    std::array<Word, 8 * kMostLimbs + 64> scratch;
    assert(mpn_sec_sqr_itch(size(n)) <= size(scratch.size()));
    mpn_sec_sqr(r, x, size(n), scratch.data());
    return;
  }
  const std::size_t h = n / 2;
  square_limbs(r, x, h);
  square_limbs(r + n, x + h, h);
  std::array<Word, kMostLimbs / 2> sum;
  std::array<Word, kMostLimbs> middle;
  const Word carry = mpn_add_n(sum.data(), x, x + h, size(h));
  square_limbs(middle.data(), sum.data(), h);
  Word top = carry;
  for (int i = 0; i < 2; ++i) {
    top += mpn_cnd_add_n(carry, middle.data() + h, middle.data() + h, sum.data(), size(h));
  }
  add_middle(r, middle.data(), top, h);
}

Word cancel_limbs(Word* t, Word* u, const Word* m, Word minus_inverse, std::size_t n) {
  if (!halved(n)) {
    std::array<Word, kMostLimbs> carries;
    for (std::size_t i = 0; i < n; ++i) {
      u[i] = t[i] * minus_inverse;
      carries[i] = mpn_addmul_1(t + i, m, size(n), u[i]);
    }
    return mpn_add_n(t + n, t + n, carries.data(), size(n));
  }
  const std::size_t h = n / 2;
  std::array<Word, kMostLimbs> product;
  Word out = 0;
  for (std::size_t i = 0; i < 2; ++i) {
    Word* const block = t + i * h;
    const Word carry = cancel_limbs(block, u + i * h, m, minus_inverse, h);
    multiply_limbs(product.data(), u + i * h, m + h, h);
    const Word upper = mpn_add_n(block + h, block + h, product.data(), size(n));
    // carry belongs above block + 2h, upper above block + 3h
    Word* const top = t + 3 * h;
    if (i == 0) {
      const Word above = add_carry(block + 2 * h, h, carry);
      out += add_carry(top, h, above + upper);
    } else {
      out += upper + add_carry(top, h, carry);
    }
  }
  return out;
}

}  // namespace opaline
