#include "opaline/bigint/kernels/portable.h"

#include <gmp.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <span>

#include "opaline/bigint/kernels/limb_products.h"
#include "opaline/bigint/kernels/radix_square.h"

namespace opaline {
namespace {

using Half = std::array<Word, kMostLimbs>;
using Product = std::array<Word, 2 * kMostLimbs>;
using Scratch = std::array<Word, kMostLimbs>;  ///< of mpn_sec_add_1 and mpn_sec_sub_1

/// Numbers are 64-bit limbs, least significant first; R = 2^(64·L) with L the limbs of m. Every number that
/// enters or leaves a function is fully reduced: in [0, m). GMP's mpn_sec_* functions, mpn_add_n and
/// mpn_cnd_sub_n take time that depends on sizes only.
class PortableArithmetic final : public PairArithmetic {
 public:
  explicit PortableArithmetic(std::span<const Word> modulus)
      : PairArithmetic(1, modulus.size(), 2 * modulus.size(), 2 * modulus.size()),
        m_(modulus.begin(), modulus.end()),
        limbs_(static_cast<mp_size_t>(modulus.size())),
        divider_(modulus),
        r_squared_(words()) {
    assert(scratch_is_enough());
    Word inverse = 1;  // of m mod 2^64, by Newton's iteration; each step doubles the correct bits
    for (int i = 0; i < 6; ++i) inverse *= 2 - m_[0] * inverse;
    minus_inverse_ = -inverse;
    radix_square(r_squared_, divider_, m_, 64 * half_words());
  }

  std::span<const Word> modulus_words(std::size_t /*lane*/) const override { return m_; }

  void mul(Word* r, const Word* x, const Word* y) const override {
    Product first;
    Product second;
    Product cross;
    Half quotient;
    multiply(first, x, y);
    multiply(second, x, high(y));
    multiply(cross, high(x), y);
    const Word carry = mpn_add_n(second.data(), second.data(), cross.data(), 2 * limbs_);
    finish(r, first, second, carry, quotient);
  }

  void sqr(Word* r, const Word* x) const override {
    Product first;
    Product second;
    Half quotient;
    square_limbs(first.data(), x, half_words());
    multiply(second, x, high(x));
    const Word carry = mpn_lshift(second.data(), second.data(), 2 * limbs_, 1);
    finish(r, first, second, carry, quotient);
  }

  void mul_one_plus_km(Word* r, const Word* x, const Word* k) const override {
    Half ak;
    mul_halves(ak.data(), x, k);
    if (r != x) mpn_copyi(r, x, limbs_);
    add_halves(high(r), high(x), ak.data());
  }

  void mul_first_half(Word* r, const Word* x, const Word* y) const override {
    Product first;
    Product second;
    Half quotient;
    multiply(first, x, y);
    multiply(second, high(x), y);
    finish(r, first, second, 0, quotient);
  }

  void mul_halves(Word* r, const Word* x, const Word* y) const override {
    Product product;
    Half quotient;
    multiply(product, x, y);
    reduce(r, product, 0, quotient);
  }

  void add_halves(Word* r, const Word* x, const Word* y) const override {
    const Word carry = mpn_add_n(r, x, y, limbs_);
    subtract_if_not_below(r, carry);
  }

  void select(Word* r, const Word* table, std::size_t entries,
              std::span<const std::uint32_t> index) const override {
    assert(index.size() == 1 && index[0] < entries);
    mpn_sec_tabselect(r, table, static_cast<mp_size_t>(words()), static_cast<mp_size_t>(entries), index[0]);
  }

  void select_compact(Word* r, const Word* table, std::size_t entries,
                      std::span<const std::uint32_t> index) const override {
    for (std::size_t i = 0; i < index.size(); ++i) {
      select(r + i * words(), table, entries, index.subspan(i, 1));
    }
  }

  void compact(Word* table, const Word* elements, std::size_t entries) const override {
    std::copy_n(elements, entries * words(), table);
  }

  std::size_t compact_words(std::size_t entries) const override { return entries * words(); }

  void gather_numbers_vartime(Word* r, std::span<const Word* const> numbers) const override {
    std::copy_n(numbers.front(), words(), r);
  }

  void scatter_numbers_vartime(std::span<Word* const> numbers, const Word* x) const override {
    std::copy_n(x, words(), numbers.front());
  }

  void load_words(Word* r, const Word* values) const override {
    const auto halves = std::span(r, words());
    divider_.divide(halves.last(half_words()), halves.first(half_words()), std::span(values, words()));
    mul(r, r, r_squared_.data());
  }

  void load_half_words(Word* r, const Word* values) const override {
    assert(is_below(std::span(values, half_words()), m_) == 1);
    mul_halves(r, values, r_squared_.data());  // its first half is R² mod m
  }

  void store_words(Word* values, const Word* x) const override {
    WordVector one(words());
    one[0] = 1;
    mul(values, x, one.data());
  }

 private:
  const Word* high(const Word* x) const { return x + limbs_; }
  Word* high(Word* x) const { return x + limbs_; }

  bool scratch_is_enough() const {
    const auto room = static_cast<mp_size_t>(Scratch{}.size());
    return mpn_sec_add_1_itch(limbs_) <= room && mpn_sec_sub_1_itch(limbs_) <= room;
  }

  /// r = x·y, L limbs each.
  void multiply(Product& r, const Word* x, const Word* y) const {
    multiply_limbs(r.data(), x, y, half_words());
  }

  /// In: r + carry·R < 2m. Out: r in [0, m).
  void subtract_if_not_below(Word* r, Word carry) const {
    Half scratch;
    const Word borrow = mpn_sub_n(scratch.data(), r, m_.data(), limbs_);
    mpn_cnd_sub_n(carry | (borrow ^ 1), r, r, m_.data(), limbs_);
  }

  /// Montgomery reduction of t + top·R², where −R < t + top·R² and t + top·R² + R·m ≤ 3·R·m: finds u < R with
  /// t + u·m ≡ 0 (mod R) and gives r = (t + u·m)/R mod m in [0, m) and how often m had to be taken off.
  /// `top` is −1, 0 or 1, as a word. t is used up; r may not overlap it.
  Word reduce(Word* r, Product& t, Word top, Half& u) const {
    top += cancel_limbs(t.data(), u.data(), m_.data(), minus_inverse_, half_words());
    mpn_copyi(r, t.data() + limbs_, limbs_);
    // 0 ≤ r + top·R < 3m: an integer above −1, being a multiple of R above −R divided by R.
    Half scratch;
    Word taken = 0;
    for (int i = 0; i < 2; ++i) {
      const Word borrow = mpn_sub_n(scratch.data(), r, m_.data(), limbs_);
      const Word above = (top | (0 - top)) >> 63;  // top ≠ 0
      const Word needed = above | (borrow ^ 1);
      mpn_cnd_sub_n(needed, r, r, m_.data(), limbs_);
      top -= needed & borrow;
      taken += needed;
    }
    assert(top == 0);
    assert(mpn_cmp(r, m_.data(), limbs_) < 0);
    return taken;
  }

  /// The two reductions of a product: first = a·a' < m², second + carry·R² = a·b' + a'·b < 2m².
  /// With r taken down by m once, a·a' = R·r − (u − R)·m: what is subtracted from the second half is u − R
  /// then.
  void finish(Word* r, Product& first, Product& second, Word carry, Half& quotient) const {
    const Word taken = reduce(r, first, 0, quotient);
    assert(taken <= 1);
    Scratch scratch;
    Word borrow = mpn_sub_n(second.data(), second.data(), quotient.data(), limbs_);
    borrow = mpn_sec_sub_1(second.data() + limbs_, second.data() + limbs_, limbs_, borrow, scratch.data());
    carry += mpn_sec_add_1(second.data() + limbs_, second.data() + limbs_, limbs_, taken, scratch.data());
    reduce(high(r), second, carry - borrow, quotient);
  }

  WordVector m_;
  mp_size_t limbs_;
  Divider divider_;
  Word minus_inverse_ = 0;
  WordVector r_squared_;
};

class PortableBackend final : public Backend {
 public:
  std::string_view name() const override { return "portable"; }
  std::string_view description() const override { return "64-bit limbs on GMP's mpn layer, any processor"; }
  bool supported() const override { return true; }
  std::size_t lanes() const override { return 1; }

  std::unique_ptr<const PairArithmetic> make_arithmetic(
      std::span<const std::span<const Word>> moduli) const override {
    return std::make_unique<PortableArithmetic>(moduli.front());
  }
};

}  // namespace

const Backend& portable_backend() {
  static const PortableBackend backend;
  return backend;
}

}  // namespace opaline
