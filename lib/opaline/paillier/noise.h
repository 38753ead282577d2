#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "opaline/bigint/pair_arithmetic.h"

namespace opaline {

/// Fills the first `count` lanes of an element with numbers uniform in Z*_n, n the lane's modulus, the others
/// with 1. Constant-time in the numbers.
void load_random_units(const PairArithmetic& arithmetic, Word* r, std::size_t count);

/// Fills the first `count` lanes of an element with fresh noise r^n mod n², r uniform in Z*_n (Paillier
/// 1999), for arithmetic whose lanes all have the modulus n. The exponent n is public; what depends on r is
/// constant-time.
void fresh_public_noise(const PairArithmetic& arithmetic, Word* r, std::size_t count);

/// The same as numbers mod n², one for every lane.
std::vector<Integer> fresh_public_noise(const PairArithmetic& arithmetic);

/// The same where lanes have moduli of their own: r_i^(n_i) mod n_i², r_i uniform in Z*_(n_i), in lane i.
std::vector<Integer> fresh_mixed_noise(const PairArithmetic& arithmetic);

/// Appends (1 + m·n)·ρ for up to a lane's number of plaintexts m in [0, n), of modulus_size() words each, and
/// the noise ρ of the lanes, which is used up. Constant-time.
void hide(const PairArithmetic& arithmetic, std::span<const Word> plaintexts, Word* noise,
          std::vector<Integer>& ciphertexts);

/// c·(1 + m·n)·ρ mod n² for up to a lane's number of ciphertexts c, as many plaintexts m as above, or none
/// for zeros, and noise ρ. Constant-time, but for how many words an Integer is kept in.
std::vector<Integer> hidden(const PairArithmetic& arithmetic, std::span<const Integer> ciphertexts,
                            std::span<const Word> plaintexts, std::span<const Integer> noise);

/// (1 + m·n) of one plaintext, calculated by the same steps.
Integer hide_bare(const PairArithmetic& arithmetic, std::span<const Word> plaintext);

/// How many groups of `lanes` numbers hold `count`.
constexpr std::size_t groups_of(std::size_t count, std::size_t lanes) { return (count + lanes - 1) / lanes; }

}  // namespace opaline
