#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "opaline/base/secret.h"

namespace opaline {

using Word = std::uint64_t;

/// Storage for elements and for secret numbers; wiped after use and left out of core dumps.
using WordVector = SecretVector<Word>;

__extension__ using DoubleWord = unsigned __int128;

/// Words of a number of so many bits.
constexpr std::size_t words_for(std::size_t bits) { return (bits + 63) / 64; }

/// Arithmetic on non-negative numbers of a public count of words, least significant first. Time and addresses
/// depend on the counts only: all of it is constant-time in the numbers. A condition is 0 or 1. Results may
/// be the very operands, but not overlap them otherwise.
///
/// Whether x < y, x = y, x = 0: 1 or 0. Sizes are equal.
Word is_below(std::span<const Word> x, std::span<const Word> y);
Word is_equal(std::span<const Word> x, std::span<const Word> y);
Word is_zero(std::span<const Word> x);

/// r = x + y and r = x − y, modulo 2^(64·size), sizes equal; what carries out.
Word add(std::span<Word> r, std::span<const Word> x, std::span<const Word> y);
Word subtract(std::span<Word> r, std::span<const Word> x, std::span<const Word> y);

/// r = condition ? r + y : r, and r − y; what carries out.
Word add_if(Word condition, std::span<Word> r, std::span<const Word> y);
Word subtract_if(Word condition, std::span<Word> r, std::span<const Word> y);

/// r = condition ? x : r.
void assign_if(Word condition, std::span<Word> r, std::span<const Word> x);

/// r = r + word, modulo 2^(64·size).
void add_word(std::span<Word> r, Word word);

/// r = x·y; r is as long as both together.
void multiply(std::span<Word> r, std::span<const Word> x, std::span<const Word> y);

/// r = x·2^bits and floor(x/2^bits), bits < 64, sizes equal.
void shift_left(std::span<Word> r, std::span<const Word> x, unsigned bits);
void shift_right(std::span<Word> r, std::span<const Word> x, unsigned bits);

/// Bits of a number whose length is public; the number stays secret otherwise.
std::size_t public_bit_length(std::span<const Word> x);

/// r uniform in [0, bound), bound > 0, sizes equal: by rejection from fill_random, so that the number of
/// draws is independent of the number kept.
void random_below(std::span<Word> r, std::span<const Word> bound);

}  // namespace opaline
