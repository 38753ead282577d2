#pragma once

#include <cstddef>
#include <span>

#include "opaline/bigint/pair_arithmetic.h"

namespace opaline {

/// r = x^e_i in lane i, for secret exponents 0 ≤ e_i < 2^bits, one a lane. Fixed windows, a fixed number of
/// steps for `bits`, table reads that do not depend on the digits: constant-time. r may alias x.
void pow(const PairArithmetic& arithmetic, Word* r, const Word* x, std::span<const Integer> exponents,
         std::size_t bits);

/// r = x^e in every lane for one public exponent e ≥ 0 (Menezes et al., Handbook of Applied Cryptography,
/// 14.85: sliding windows). Time and addresses depend on e, not on x. r may alias x.
void pow_vartime(const PairArithmetic& arithmetic, Word* r, const Word* x, const Integer& exponent);

/// Sets every lane to 1.
void set_one(const PairArithmetic& arithmetic, Word* r);

}  // namespace opaline
