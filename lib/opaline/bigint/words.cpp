#include "opaline/bigint/words.h"

#include <gmp.h>

#include <algorithm>
#include <bit>
#include <cassert>

#include "opaline/base/constant_time.h"
#include "opaline/base/random.h"

namespace opaline {
namespace {

template <typename Words>
mp_size_t length(const Words& x) {
  return static_cast<mp_size_t>(x.size());
}

// Hides from the compiler that a mask is all ones or all zeros, so that it cannot make a branch of it.
Word mask(Word condition) {
  Word all = 0 - condition;
  __asm__("" : "+r"(all));
  return all;
}

Word is_not_zero(Word x) { return (x | (0 - x)) >> 63; }

}  // namespace

Word is_below(std::span<const Word> x, std::span<const Word> y) {
  assert(x.size() == y.size());
  Word borrow = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto difference = static_cast<DoubleWord>(x[i]) - y[i] - borrow;
    borrow = static_cast<Word>(difference >> 64) & 1;
  }
  return borrow;
}

Word is_equal(std::span<const Word> x, std::span<const Word> y) {
  assert(x.size() == y.size());
  Word different = 0;
  for (std::size_t i = 0; i < x.size(); ++i) different |= x[i] ^ y[i];
  return 1 ^ is_not_zero(different);
}

Word is_zero(std::span<const Word> x) {
  Word any = 0;
  for (const Word word : x) any |= word;
  return 1 ^ is_not_zero(any);
}

Word add(std::span<Word> r, std::span<const Word> x, std::span<const Word> y) {
  assert(r.size() == x.size() && r.size() == y.size() && !r.empty());
  return mpn_add_n(r.data(), x.data(), y.data(), length(r));
}

Word subtract(std::span<Word> r, std::span<const Word> x, std::span<const Word> y) {
  assert(r.size() == x.size() && r.size() == y.size() && !r.empty());
  return mpn_sub_n(r.data(), x.data(), y.data(), length(r));
}

Word add_if(Word condition, std::span<Word> r, std::span<const Word> y) {
  assert(r.size() == y.size() && !r.empty());
  return mpn_cnd_add_n(condition, r.data(), r.data(), y.data(), length(r));
}

Word subtract_if(Word condition, std::span<Word> r, std::span<const Word> y) {
  assert(r.size() == y.size() && !r.empty());
  return mpn_cnd_sub_n(condition, r.data(), r.data(), y.data(), length(r));
}

void assign_if(Word condition, std::span<Word> r, std::span<const Word> x) {
  assert(r.size() == x.size());
  const Word taken = mask(condition);
  for (std::size_t i = 0; i < r.size(); ++i) r[i] ^= taken & (r[i] ^ x[i]);
}

void add_word(std::span<Word> r, Word word) {
  for (Word& digit : r) {
    digit += word;
    word = digit < word ? 1 : 0;
  }
}

void multiply(std::span<Word> r, std::span<const Word> x, std::span<const Word> y) {
  assert(r.size() == x.size() + y.size() && !x.empty() && !y.empty());
  const auto& longer = x.size() >= y.size() ? x : y;
  const auto& shorter = x.size() >= y.size() ? y : x;
  WordVector scratch(static_cast<std::size_t>(mpn_sec_mul_itch(length(longer), length(shorter))));
  mpn_sec_mul(r.data(), longer.data(), length(longer), shorter.data(), length(shorter), scratch.data());
}

void shift_left(std::span<Word> r, std::span<const Word> x, unsigned bits) {
  assert(r.size() == x.size() && bits < 64);
  if (bits == 0) {
    std::copy_backward(x.begin(), x.end(), r.end());
  } else {
    mpn_lshift(r.data(), x.data(), length(x), bits);
  }
}

void shift_right(std::span<Word> r, std::span<const Word> x, unsigned bits) {
  assert(r.size() == x.size() && bits < 64);
  if (bits == 0) {
    std::copy(x.begin(), x.end(), r.begin());
  } else {
    mpn_rshift(r.data(), x.data(), length(x), bits);
  }
}

std::size_t public_bit_length(std::span<const Word> x) {
  Word length = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    Word below = x[i];  // every bit at and below the highest set
    for (unsigned shift = 1; shift < 64; shift *= 2) below |= below >> shift;
    Word bits = 0;
    for (unsigned bit = 0; bit < 64; ++bit) bits += (below >> bit) & 1;
    const Word here = mask(is_not_zero(x[i]));
    length = (here & (64 * i + bits)) | (~here & length);
  }
  return declassified(length);
}

void random_below(std::span<Word> r, std::span<const Word> bound) {
  const std::size_t bits = public_bit_length(bound);
  assert(bits > 0 && r.size() == bound.size());
  const std::size_t used = words_for(bits);
  const Word top = ~Word{0} >> (64 * used - bits);
  std::fill(r.begin(), r.end(), 0);
  do {
    fill_random({reinterpret_cast<std::uint8_t*>(r.data()), used * sizeof(Word)});
    r[used - 1] &= top;
  } while (declassified(is_below(r, bound)) == 0);
}

}  // namespace opaline
