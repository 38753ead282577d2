#pragma once

// Part of ifma_kernels_*.cpp alone, which are compiled with AVX-512 flags: everything here is local to them.
//
// Montgomery's reduction (Montgomery 1985; Drucker, Gueron 2019 for the lanes): for t = product + addend it
// finds u = −t/m mod R and gives r = (t + u·m)/R. Small sizes do it beside the product; large ones apart from
// it, block by block, so that Karatsuba's identity can take both.

#include <type_traits>

#include "opaline/bigint/kernels/ifma_products.h"

namespace opaline::ifma {
namespace {

/// Nothing is added to the product.
struct NoAddend {
  OPALINE_INLINE Vector low(std::size_t /*limb*/) const { return zero(); }
  OPALINE_INLINE Vector high(std::size_t /*limb*/) const { return zero(); }
};

/// + (m·R − u): the complement of u is R − 1 − u, so 1 is added in column 0 and 1 taken from column L, where
/// m is added and the odd m keeps it non-negative.
struct MinusQuotient {
  const std::uint64_t* u;
  const std::uint64_t* m;

  OPALINE_INLINE Vector low(std::size_t limb) const {
    const Vector complement = bit_xor(load(u + kLanes * limb), limb_mask());
    return limb == 0 ? add(complement, broadcast(1)) : complement;
  }
  OPALINE_INLINE Vector high(std::size_t limb) const {
    const Vector limbs = load(m + kLanes * limb);
    return limb == 0 ? subtract(limbs, broadcast(1)) : limbs;
  }
};

/// Diagonal by diagonal beside the product (finely integrated product scanning: Koç, Acar, Kaliski 1996).
template <typename Terms, typename Addend>
OPALINE_INLINE void montgomery_beside(const Moduli& moduli, std::uint64_t* r, std::uint64_t* u,
                                      const Terms& product, const Addend& addend) {
  const std::size_t tiles = moduli.limbs / kTile;
  const Vector minus_inverse = load(moduli.minus_inverse);
  const Vector mask = limb_mask();
  Vector pending[kTile];  // the upper columns of the diagonal before
#pragma GCC unroll 5
  for (std::size_t i = 0; i < kTile; ++i) pending[i] = zero();

  for (std::size_t diagonal = 0; diagonal < tiles; ++diagonal) {
    Columns c;
    c.clear();
    product.add_to(c, diagonal, 0, diagonal + 1);
    c.add_diagonal(u, moduli.m, diagonal, 0, diagonal);
    Vector column[2 * kTile];
#pragma GCC unroll 5
    for (std::size_t i = 0; i < kTile; ++i) {
      const Vector sum = add(add(c.low[i], pending[i]), addend.low(diagonal * kTile + i));
      column[i] = i == 0 ? sum : add(sum, c.high[i - 1]);
    }
#pragma GCC unroll 4
    for (std::size_t i = kTile; i < 2 * kTile - 1; ++i) column[i] = add(c.low[i], c.high[i - 1]);
    column[2 * kTile - 1] = c.high[2 * kTile - 2];
#pragma GCC unroll 5
    for (std::size_t i = 0; i < kTile; ++i) {
      const Vector quotient = madd_low(zero(), column[i], minus_inverse);
      store(u + (diagonal * kTile + i) * kLanes, quotient);
#pragma GCC unroll 5
      for (std::size_t j = 0; j < kTile; ++j) {
        const Vector m = load(moduli.m + kLanes * j);
        column[i + j] = madd_low(column[i + j], quotient, m);
        column[i + j + 1] = madd_high(column[i + j + 1], quotient, m);
      }
      column[i + 1] = add(column[i + 1], carry_of(column[i]));
    }
#pragma GCC unroll 5
    for (std::size_t i = 0; i < kTile; ++i) pending[i] = column[kTile + i];
  }

  Vector carry = zero();
  for (std::size_t diagonal = tiles; diagonal < 2 * tiles; ++diagonal) {
    Columns c;
    c.clear();
    const std::size_t first = diagonal - tiles + 1;
    if (first < tiles) {
      product.add_to(c, diagonal, first, tiles);
      c.add_diagonal(u, moduli.m, diagonal, first, tiles);
    }
    const std::size_t out = (diagonal - tiles) * kTile;
#pragma GCC unroll 5
    for (std::size_t i = 0; i < kTile; ++i) {
      Vector sum = add(add(add(c.low[i], pending[i]), addend.high(out + i)), carry);
      if (i > 0) sum = add(sum, c.high[i - 1]);
      store(r + (out + i) * kLanes, bit_and(sum, mask));
      carry = carry_of(sum);
    }
#pragma GCC unroll 4
    for (std::size_t i = kTile; i < 2 * kTile - 1; ++i) pending[i - kTile] = add(c.low[i], c.high[i - 1]);
    pending[kTile - 1] = c.high[2 * kTile - 2];
  }
}

/// Montgomery's reduction of a block, quotient limb by quotient limb (finely integrated product scanning:
/// Koç, Acar, Kaliski 1996): finds u of tiles·5 limbs so that t + u·m ≡ 0 (mod 2^(52·5·tiles)), adds the
/// upper half of u·m and the carry to the columns above, and leaves those below undefined.
inline __attribute__((noinline)) void reduce_block(std::uint64_t* t, std::uint64_t* u, const std::uint64_t* m,
                                                   const std::uint64_t* minus_inverse, std::size_t tiles) {
  const Vector inverse = load(minus_inverse);
  Vector pending[kTile];
#pragma GCC unroll 5
  for (std::size_t i = 0; i < kTile; ++i) pending[i] = load(t + kLanes * i);
  for (std::size_t diagonal = 0; diagonal < tiles; ++diagonal) {
    Columns c;
    c.clear();
    c.add_diagonal(u, m, diagonal, 0, diagonal);
    Vector column[2 * kTile];
#pragma GCC unroll 5
    for (std::size_t i = 0; i < kTile; ++i) column[i] = add(c.column(i), pending[i]);
#pragma GCC unroll 5
    for (std::size_t i = kTile; i < 2 * kTile; ++i) {
      column[i] = add(c.column(i), load(t + (diagonal * kTile + i) * kLanes));
    }
#pragma GCC unroll 5
    for (std::size_t i = 0; i < kTile; ++i) {
      const Vector quotient = madd_low(zero(), column[i], inverse);
      store(u + (diagonal * kTile + i) * kLanes, quotient);
#pragma GCC unroll 5
      for (std::size_t j = 0; j < kTile; ++j) {
        const Vector limb = load(m + kLanes * j);
        column[i + j] = madd_low(column[i + j], quotient, limb);
        column[i + j + 1] = madd_high(column[i + j + 1], quotient, limb);
      }
      column[i + 1] = add(column[i + 1], carry_of(column[i]));
    }
#pragma GCC unroll 5
    for (std::size_t i = 0; i < kTile; ++i) pending[i] = column[kTile + i];
  }
  for (std::size_t diagonal = tiles; diagonal < 2 * tiles - 1; ++diagonal) {
    Columns c;
    c.clear();
    c.add_diagonal(u, m, diagonal, diagonal - tiles + 1, tiles);
    std::uint64_t* const out = t + diagonal * kTileWords;
#pragma GCC unroll 5
    for (std::size_t i = 0; i < kTile; ++i) store(out + kLanes * i, add(c.column(i), pending[i]));
#pragma GCC unroll 5
    for (std::size_t i = 0; i < kTile; ++i) {
      pending[i] = add(c.column(kTile + i), load(out + (kTile + i) * kLanes));
    }
  }
  std::uint64_t* const out = t + (2 * tiles - 1) * kTileWords;
#pragma GCC unroll 5
  for (std::size_t i = 0; i < kTile; ++i) store(out + kLanes * i, pending[i]);
}

/// The same in two halves of the quotient, whose products with the upper half of m are Karatsuba's.
template <std::size_t Levels>
OPALINE_INLINE void reduce(std::uint64_t* t, std::uint64_t* u, const Operand<Levels>& m,
                           const std::uint64_t* minus_inverse, std::size_t limbs, std::uint64_t* scratch) {
  if constexpr (Levels == 0) {
    reduce_block(t, u, m.limbs, minus_inverse, limbs / kTile);
  } else {
    const std::size_t half = limbs / 2;
    for (std::size_t i = 0; i < 2; ++i) {
      std::uint64_t* const block = u + i * half * kLanes;
      reduce<Levels - 1>(t, block, m.low(limbs), minus_inverse, half, scratch);
      t += half * kLanes;
      std::uint64_t* free = scratch;
      const Product<Levels - 1> product{prepare<Levels - 1>(block, half, &free), m.high(limbs)};
      multiply<Into::added, Levels - 1, Product>(t, product, half, free);
    }
  }
}

/// r = the columns as a number, which is not negative.
OPALINE_INLINE void carry_all(std::uint64_t* r, const std::uint64_t* t, std::size_t limbs) {
  Vector carry = zero();
  for (std::size_t i = 0; i < limbs; ++i) {
    const Vector sum = add(load(t + kLanes * i), carry);
    store(r + kLanes * i, bit_and(sum, limb_mask()));
    carry = carry_of(sum);
  }
}

/// r = (product + addend)/R mod m and its quotient u, either way.
template <std::size_t Levels, template <std::size_t> typename Terms, typename Addend>
OPALINE_INLINE void montgomery(const Moduli& moduli, std::uint64_t* r, std::uint64_t* u,
                               const Terms<Levels>& product, const Addend& addend, std::uint64_t* scratch) {
  if constexpr (Levels == 0) {
    montgomery_beside(moduli, r, u, product, addend);
  } else {
    const std::size_t limbs = moduli.limbs;
    std::uint64_t* const t = scratch;
    scratch += 2 * limbs * kLanes;
    multiply<Into::replaced, Levels, Terms>(t, product, limbs, scratch);
    if constexpr (!std::is_same_v<Addend, NoAddend>) {
      for (std::size_t i = 0; i < limbs; ++i) {
        put<Into::added>(t + kLanes * i, addend.low(i));
        put<Into::added>(t + kLanes * (limbs + i), addend.high(i));
      }
    }
    reduce<Levels>(t, u, Operand<Levels>{moduli.m, moduli.m_sums}, moduli.minus_inverse, limbs, scratch);
    carry_all(r, t + limbs * kLanes, limbs);
  }
}

}  // namespace
}  // namespace opaline::ifma
