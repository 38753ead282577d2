#include "opaline/bigint/divider.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "opaline/base/constant_time.h"
#include "opaline/base/error.h"
#include "opaline/bigint/kernels/limb_products.h"

namespace opaline {
namespace {

/// ceil(2^128·n/a) − 1 for n = 1 or 2 words with the top bit set, without its leading 1: by restoring
/// division, bit for bit.
void small_reciprocal(std::span<Word> x, std::span<const Word> a) {
  const std::size_t n = a.size();
  // The remainder of β^(2n) − 1 = (2^(64n) − 1)·2^(64n) + (2^(64n) − 1), from its upper half on.
  std::array<Word, 3> rest{};
  std::array<Word, 3> divisor{};
  std::copy(a.begin(), a.end(), divisor.begin());
  const auto r = std::span(rest).first(n + 1);
  const auto d = std::span<const Word>(divisor).first(n + 1);
  for (std::size_t i = 0; i < n; ++i) r[i] = ~a[i];  // the upper half less the divisor once: the leading 1
  std::fill(x.begin(), x.end(), 0);
  for (std::size_t bit = 64 * n; bit-- > 0;) {
    shift_left(r, r, 1);
    r[0] |= 1;
    const Word taken = 1 ^ is_below(r, d);
    subtract_if(taken, r, d);
    x[bit / 64] |= taken << (bit % 64);
  }
  wipe(rest.data(), sizeof(rest));
  wipe(divisor.data(), sizeof(divisor));
}

/// X of n + 1 words with a·X < β^(2n) < a·(X + 2), β = 2^64, a of n words with the top bit set; x is X
/// without its leading 1 (ApproximateReciprocal, algorithm 3.5, its loop run as often as it can run).
void reciprocal(std::span<Word> x, std::span<const Word> a) {
  const std::size_t n = a.size();
  if (n <= 2) return small_reciprocal(x, a);
  const std::size_t l = (n - 1) / 2;
  const std::size_t h = n - l;
  const auto a_high = a.subspan(l);
  WordVector x_high(h + 1);
  reciprocal(std::span(x_high).first(h), a_high);
  x_high[h] = 1;

  // t = a·X_h, at most a little above β^(n+h).
  WordVector t(n + h + 1);
  multiply(t, a, x_high);
  WordVector a_wide(n + h + 1);
  std::copy(a.begin(), a.end(), a_wide.begin());
  WordVector one(h + 1);
  one[0] = 1;
  for (int i = 0; i < 4; ++i) {  // t < β^(n+h) + 2·β^n, and a ≥ β^n/2
    const Word above = 1 ^ is_zero(std::span<const Word>(t).last(1));
    subtract_if(above, t, a_wide);
    subtract_if(above, x_high, one);
  }
  assert(t.back() == 0);
  // t = β^(n+h) − t < 2·a, whose upper words go on.
  WordVector zero(n + h);
  subtract(std::span(t).first(n + h), zero, std::span(t).first(n + h));
  const auto t_middle = std::span<const Word>(t).subspan(l, h + 1);
  WordVector u(2 * (h + 1));
  multiply(u, t_middle, x_high);
  // X = X_h·β^l + floor(u·β^(l − 2h))
  WordVector sum(n + 1);
  std::copy(x_high.begin(), x_high.end(), sum.begin() + static_cast<std::ptrdiff_t>(l));
  WordVector correction(n + 1);
  const std::size_t skipped = 2 * h - l;
  std::copy(u.begin() + static_cast<std::ptrdiff_t>(skipped), u.end(), correction.begin());
  add(sum, sum, correction);
  assert(sum.back() == 1);
  std::copy_n(sum.begin(), n, x.begin());
}

}  // namespace

Divider::Divider(std::span<const Word> divisor) : shift_(0) {
  const std::size_t bits = public_bit_length(divisor);
  assert(bits > 0 && bits <= 64 * kMostLimbs);
  const std::size_t n = words_for(bits);
  shift_ = static_cast<unsigned>(64 * n - bits);
  divisor_.resize(n);
  reciprocal_.resize(n);
  shift_left(divisor_, divisor.first(n), shift_);
  reciprocal(reciprocal_, divisor_);
}

void Divider::divide(std::span<Word> q, std::span<Word> r, std::span<const Word> x) const {
  const std::size_t n = size();
  assert(q.size() == n && r.size() == n && x.size() == 2 * n);
  WordVector number(2 * n);
  shift_left(number, x, shift_);  // below divisor·2^(64n), so nothing is lost
  const auto upper = std::span<const Word>(number).last(n);
  assert(is_below(upper, divisor_) == 1);

  // X·upper/2^(64n): never above the quotient, and less than 5 below it.
  WordVector product(2 * n);
  multiply_limbs(product.data(), upper.data(), reciprocal_.data(), n);
  WordVector quotient(n);
  add(quotient, upper, std::span(product).last(n));
  multiply_limbs(product.data(), quotient.data(), divisor_.data(), n);
  WordVector rest(n + 1);
  subtract(rest, std::span(number).first(n + 1), std::span(product).first(n + 1));
  const auto low = std::span(rest).first(n);
  const auto above = std::span(rest).last(1);
  const auto finished = [&] { return is_zero(above) & is_below(low, divisor_); };
  Word missing = 0;
  for (int i = 0; i < 4; ++i) {
    const Word more = 1 ^ finished();
    above[0] -= subtract_if(more, low, divisor_);
    missing += more;
  }
  // A damaged reciprocal gives quotients that are a few too small, and what is cut off such a remainder is
  // the same a few times: errors that could come to nothing in a sum.
  if (declassified(finished()) == 0) {
    throw Error(ErrorKind::fault, "a division contradicted itself (a computing fault)");
  }
  add_word(quotient, missing);
  std::copy(quotient.begin(), quotient.end(), q.begin());
  shift_right(r, low, shift_);
}

void Divider::remainder(std::span<Word> r, std::span<const Word> x) const {
  WordVector number(2 * size());
  assert(x.size() <= number.size());
  std::copy(x.begin(), x.end(), number.begin());
  WordVector quotient(size());
  divide(quotient, r, number);
}

}  // namespace opaline
