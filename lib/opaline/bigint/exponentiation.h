#pragma once

#include <cstddef>
#include <span>

#include "opaline/bigint/pair_arithmetic.h"

namespace opaline {

/// r = x^e_i in lane i, for secret exponents 0 ≤ e_i < 2^bits, one a lane. Fixed windows, a fixed number of
/// steps for `bits`, table reads that do not depend on the digits: constant-time. exponent_words(bits) words
/// an exponent, least significant first. r may alias x. Error(invalid_argument) for other exponents.
void pow(const PairArithmetic& arithmetic, Word* r, const Word* x, std::span<const Word> exponents,
         std::size_t bits);

/// Words an exponent of so many bits is given in.
constexpr std::size_t exponent_words(std::size_t bits) { return bits == 0 ? 1 : words_for(bits); }

/// Exponents that may be known, in such words.
WordVector exponents_of(std::span<const Integer> exponents, std::size_t bits);

/// The power for exponents that may be known.
inline void pow(const PairArithmetic& arithmetic, Word* r, const Word* x, std::span<const Integer> exponents,
                std::size_t bits) {
  pow(arithmetic, r, x, exponents_of(exponents, bits), bits);
}

/// r = x^e in every lane for one public exponent e ≥ 0 (Menezes et al., Handbook of Applied Cryptography,
/// 14.85: sliding windows). Time and addresses depend on e, not on x. r may alias x.
void pow_vartime(const PairArithmetic& arithmetic, Word* r, const Word* x, const Integer& exponent);

/// The same with an exponent e_i ≥ 0 of its own in every lane. Fixed windows, since the lanes' bits do not
/// fall together: 5 % slower than for one exponent, a tenth quicker than reading tables in constant time.
void pow_vartime(const PairArithmetic& arithmetic, Word* r, const Word* x,
                 std::span<const Integer> exponents);

/// r = x^e in every lane for one public exponent e, a few steps at a time.
class SlidingPower {
 public:
  /// Copies x; `arithmetic` must outlive the power.
  SlidingPower(const PairArithmetic& arithmetic, const Word* x, const Integer& exponent);

  /// Goes on for about that many products; whether all are done.
  bool advance(std::size_t products);

  /// x^e, once all are done.
  const Word* result() const { return result_.data(); }

 private:
  bool bit(std::size_t i) const { return bit_test(exponent_, static_cast<unsigned>(i)); }
  std::size_t add_odd_power();
  std::size_t take_digit();

  const PairArithmetic& f_;
  Integer exponent_;
  std::size_t width_;
  std::size_t left_;        ///< bits not yet used, from the top
  std::size_t powers_ = 1;  ///< x, x³, x⁵, … that are there
  bool started_ = false;
  WordVector table_;
  WordVector square_;
  WordVector result_;
};

/// Sets every lane to 1.
void set_one(const PairArithmetic& arithmetic, Word* r);

}  // namespace opaline
