#pragma once

// Part of ifma_kernels_*.cpp alone, which are compiled with AVX-512 flags: everything here is local to them.
//
// Numbers of `limbs` vectors are multiplied into 2·limbs columns: signed 64-bit sums, not yet carried.
// Karatsuba's identity (Karatsuba, Ofman 1962: lo·lo', hi·hi' and (lo + hi)·(lo' + hi')) is applied once or
// twice above blocks of tiles.

#include "opaline/bigint/kernels/ifma_columns.h"

namespace opaline::ifma {
namespace {

/// A number with the sums that Karatsuba's identity needs of it, over `Levels` levels: the sum of its halves,
/// whether that carried over (all ones), and the same for lower half, upper half and sum.
template <std::size_t Levels>
struct Operand {
  const std::uint64_t* limbs;
  const std::uint64_t* sums;

  static constexpr std::size_t sum_vectors(std::size_t limbs) {
    return limbs / 2 + 1 + 3 * Operand<Levels - 1>::sum_vectors(limbs / 2);
  }

  static void make_sums(std::uint64_t* sums, const std::uint64_t* x, std::size_t limbs) {
    const std::size_t half = limbs / 2;
    Vector carry = zero();
    for (std::size_t i = 0; i < half; ++i) {
      const Vector sum = add(add(load(x + kLanes * i), load(x + kLanes * (half + i))), carry);
      store(sums + kLanes * i, bit_and(sum, limb_mask()));
      carry = carry_of(sum);
    }
    store(sums + kLanes * half, subtract(zero(), carry));
    if constexpr (Levels > 1) {
      const std::size_t stride = Operand<Levels - 1>::sum_vectors(half) * kLanes;
      std::uint64_t* const below = sums + kLanes * (half + 1);
      Operand<Levels - 1>::make_sums(below, x, half);
      Operand<Levels - 1>::make_sums(below + stride, x + kLanes * half, half);
      Operand<Levels - 1>::make_sums(below + 2 * stride, sums, half);
    }
  }

  /// The same for fewer levels, whose sums come first.
  template <std::size_t Fewer>
  OPALINE_INLINE Operand<Fewer> to() const {
    return {limbs, sums};
  }
  OPALINE_INLINE Operand<Levels - 1> low(std::size_t limbs_all) const { return {limbs, below(limbs_all, 0)}; }
  OPALINE_INLINE Operand<Levels - 1> high(std::size_t limbs_all) const {
    return {limbs + limbs_all / 2 * kLanes, below(limbs_all, 1)};
  }
  OPALINE_INLINE Operand<Levels - 1> sum(std::size_t limbs_all) const { return {sums, below(limbs_all, 2)}; }
  OPALINE_INLINE Vector carried(std::size_t limbs_all) const { return load(sums + limbs_all / 2 * kLanes); }

 private:
  OPALINE_INLINE const std::uint64_t* below(std::size_t limbs_all, std::size_t i) const {
    const std::size_t half = limbs_all / 2;
    return sums + kLanes * (half + 1 + i * Operand<Levels - 1>::sum_vectors(half));
  }
};

template <>
struct Operand<0> {
  const std::uint64_t* limbs;
  const std::uint64_t* sums;

  template <std::size_t Fewer>
  OPALINE_INLINE Operand<Fewer> to() const {
    return *this;
  }

  static constexpr std::size_t sum_vectors(std::size_t /*limbs*/) { return 0; }
  static void make_sums(std::uint64_t* /*sums*/, const std::uint64_t* /*x*/, std::size_t /*limbs*/) {}
};

/// x with its sums, made at `*scratch`, which moves on behind them.
template <std::size_t Levels>
OPALINE_INLINE Operand<Levels> prepare(const std::uint64_t* x, std::size_t limbs, std::uint64_t** scratch) {
  std::uint64_t* const sums = *scratch;
  Operand<Levels>::make_sums(sums, x, limbs);
  *scratch += Operand<Levels>::sum_vectors(limbs) * kLanes;
  return {x, sums};
}

/// x·y.
template <std::size_t Levels>
struct Product {
  Operand<Levels> x;
  Operand<Levels> y;

  OPALINE_INLINE Product<Levels - 1> low(std::size_t n) const { return {x.low(n), y.low(n)}; }
  OPALINE_INLINE Product<Levels - 1> high(std::size_t n) const { return {x.high(n), y.high(n)}; }
  OPALINE_INLINE Product<Levels - 1> sum(std::size_t n) const { return {x.sum(n), y.sum(n)}; }

  /// What the carries of the sums add to columns i of (lo + hi)·(lo' + hi') from the middle on, and to the
  /// column after the last.
  OPALINE_INLINE Vector carried(std::size_t n, std::size_t i) const {
    return add(bit_and(x.carried(n), load(y.sums + kLanes * i)),
               bit_and(y.carried(n), load(x.sums + kLanes * i)));
  }
  OPALINE_INLINE Vector carried_over(std::size_t n) const {
    return top_bit(bit_and(x.carried(n), y.carried(n)));
  }
};

template <>
struct Product<0> {
  Operand<0> x;
  Operand<0> y;

  OPALINE_INLINE void add_to(Columns& c, std::size_t diagonal, std::size_t first, std::size_t end) const {
    c.add_diagonal(x.limbs, y.limbs, diagonal, first, end);
  }
};

/// 2·x·y: doubled where the tiles are summed.
template <std::size_t Levels>
struct DoubleProduct {
  Operand<Levels> x;
  Operand<Levels> y;

  OPALINE_INLINE DoubleProduct<Levels - 1> low(std::size_t n) const { return {x.low(n), y.low(n)}; }
  OPALINE_INLINE DoubleProduct<Levels - 1> high(std::size_t n) const { return {x.high(n), y.high(n)}; }
  OPALINE_INLINE DoubleProduct<Levels - 1> sum(std::size_t n) const { return {x.sum(n), y.sum(n)}; }
  OPALINE_INLINE Vector carried(std::size_t n, std::size_t i) const {
    const Vector once = Product<Levels>{x, y}.carried(n, i);
    return add(once, once);
  }
  OPALINE_INLINE Vector carried_over(std::size_t n) const {
    const Vector once = Product<Levels>{x, y}.carried_over(n);
    return add(once, once);
  }
};

template <>
struct DoubleProduct<0> {
  Operand<0> x;
  Operand<0> y;

  OPALINE_INLINE void add_to(Columns& c, std::size_t diagonal, std::size_t first, std::size_t end) const {
    c.add_diagonal(x.limbs, y.limbs, diagonal, first, end);
    c.double_all();
  }
};

/// x·y + z·w.
template <std::size_t Levels>
struct TwoProducts {
  Operand<Levels> x;
  Operand<Levels> y;
  Operand<Levels> z;
  Operand<Levels> w;

  OPALINE_INLINE TwoProducts<Levels - 1> low(std::size_t n) const {
    return {x.low(n), y.low(n), z.low(n), w.low(n)};
  }
  OPALINE_INLINE TwoProducts<Levels - 1> high(std::size_t n) const {
    return {x.high(n), y.high(n), z.high(n), w.high(n)};
  }
  OPALINE_INLINE TwoProducts<Levels - 1> sum(std::size_t n) const {
    return {x.sum(n), y.sum(n), z.sum(n), w.sum(n)};
  }
  OPALINE_INLINE Vector carried(std::size_t n, std::size_t i) const {
    return add(Product<Levels>{x, y}.carried(n, i), Product<Levels>{z, w}.carried(n, i));
  }
  OPALINE_INLINE Vector carried_over(std::size_t n) const {
    return add(Product<Levels>{x, y}.carried_over(n), Product<Levels>{z, w}.carried_over(n));
  }
};

template <>
struct TwoProducts<0> {
  Operand<0> x;
  Operand<0> y;
  Operand<0> z;
  Operand<0> w;

  OPALINE_INLINE void add_to(Columns& c, std::size_t diagonal, std::size_t first, std::size_t end) const {
    c.add_diagonal(x.limbs, y.limbs, diagonal, first, end);
    c.add_diagonal(z.limbs, w.limbs, diagonal, first, end);
  }
};

/// x².
template <std::size_t Levels>
struct Square {
  Operand<Levels> x;

  OPALINE_INLINE Square<Levels - 1> low(std::size_t n) const { return {x.low(n)}; }
  OPALINE_INLINE Square<Levels - 1> high(std::size_t n) const { return {x.high(n)}; }
  OPALINE_INLINE Square<Levels - 1> sum(std::size_t n) const { return {x.sum(n)}; }
  OPALINE_INLINE Vector carried(std::size_t n, std::size_t i) const {
    const Vector once = bit_and(x.carried(n), load(x.sums + kLanes * i));
    return add(once, once);
  }
  OPALINE_INLINE Vector carried_over(std::size_t n) const { return top_bit(x.carried(n)); }
};

template <>
struct Square<0> {
  Operand<0> x;

  OPALINE_INLINE void add_to(Columns& c, std::size_t diagonal, std::size_t first, std::size_t end) const {
    c.add_diagonal(x.limbs, x.limbs, diagonal, first, (first + end) / 2);  // tiles i < diagonal − i
    const bool on_axis = diagonal % 2 == 0;
    const std::uint64_t* const axis = x.limbs + diagonal / 2 * kTileWords;
    if (on_axis) c.add_triangle(axis);
    c.double_all();
    if (on_axis) c.add_squares(axis);
  }
};

/// t = the product, or t += it, 2·tiles·5 columns, diagonal after diagonal.
template <Into Mode, typename Terms>
__attribute__((noinline)) void multiply_directly(std::uint64_t* t, const Terms& terms, std::size_t tiles) {
  Vector pending[kTile];  // the upper columns of the diagonal before
#pragma GCC unroll 5
  for (std::size_t i = 0; i < kTile; ++i) pending[i] = zero();
  for (std::size_t diagonal = 0; diagonal < 2 * tiles - 1; ++diagonal) {
    Columns c;
    c.clear();
    if (diagonal < tiles) {
      terms.add_to(c, diagonal, 0, diagonal + 1);
    } else {
      terms.add_to(c, diagonal, diagonal - tiles + 1, tiles);
    }
#pragma GCC unroll 5
    for (std::size_t i = 0; i < kTile; ++i) put<Mode>(t + kLanes * i, add(c.column(i), pending[i]));
#pragma GCC unroll 5
    for (std::size_t i = 0; i < kTile; ++i) pending[i] = c.column(kTile + i);
    t += kTileWords;
  }
#pragma GCC unroll 5
  for (std::size_t i = 0; i < kTile; ++i) put<Mode>(t + kLanes * i, pending[i]);
}

/// t = the product, or t += it, 2·limbs columns. Columns of a product of two terms of n limbs lie between 0
/// and 4·n·2^52; each level over them takes a column from at most two sums and two differences of such, so
/// they stay within ±1280·2^52 for 160 limbs, and with what the reduction adds within ±2^63.
template <Into Mode, std::size_t Levels, template <std::size_t> typename Terms>
OPALINE_INLINE void multiply(std::uint64_t* t, const Terms<Levels>& terms, std::size_t limbs,
                             std::uint64_t* scratch) {
  if constexpr (Levels == 0) {
    multiply_directly<Mode>(t, terms, limbs / kTile);
  } else {
    const std::size_t half = limbs / 2;
    std::uint64_t* const middle = scratch;
    scratch += limbs * kLanes;
    std::uint64_t* const outer = Mode == Into::added ? scratch : t;
    if (Mode == Into::added) scratch += 2 * limbs * kLanes;
    multiply<Into::replaced, Levels - 1, Terms>(outer, terms.low(limbs), half, scratch);
    multiply<Into::replaced, Levels - 1, Terms>(outer + limbs * kLanes, terms.high(limbs), half, scratch);
    multiply<Into::replaced, Levels - 1, Terms>(middle, terms.sum(limbs), half, scratch);
    for (std::size_t i = 0; i < half; ++i) {
      const auto at = [&](std::size_t quarter) { return (quarter * half + i) * kLanes; };
      const Vector low0 = load(outer + at(0));
      const Vector low1 = load(outer + at(1));
      const Vector high0 = load(outer + at(2));
      const Vector high1 = load(outer + at(3));
      const Vector middle0 = subtract(subtract(load(middle + at(0)), low0), high0);
      const Vector middle1 =
          subtract(subtract(add(load(middle + at(1)), terms.carried(limbs, i)), low1), high1);
      if constexpr (Mode == Into::added) {
        put<Mode>(t + at(0), low0);
        put<Mode>(t + at(3), high1);
      }
      put<Mode>(t + at(1), add(low1, middle0));
      put<Mode>(t + at(2), add(high0, middle1));
    }
    put<Into::added>(t + 3 * half * kLanes, terms.carried_over(limbs));
  }
}

}  // namespace
}  // namespace opaline::ifma
