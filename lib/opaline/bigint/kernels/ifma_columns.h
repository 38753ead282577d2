#pragma once

// Part of ifma_kernels_*.cpp alone, which are compiled with AVX-512 flags: everything here is local to them.
// OPALINE_IFMA_LANES says how many numbers stand side by side: 8 in 512 bits, or 4 in 256.

#include <immintrin.h>

#include "opaline/bigint/kernels/ifma_kernels.h"

namespace opaline::ifma {
namespace {

#define OPALINE_INLINE __attribute__((always_inline)) inline

inline constexpr std::size_t kLanes = OPALINE_IFMA_LANES;

#if OPALINE_IFMA_LANES == 8

using Vector = __m512i;

OPALINE_INLINE Vector load(const std::uint64_t* p) { return _mm512_load_si512(p); }
OPALINE_INLINE void store(std::uint64_t* p, Vector v) { _mm512_store_si512(p, v); }
OPALINE_INLINE Vector zero() { return _mm512_setzero_si512(); }
OPALINE_INLINE Vector broadcast(long long x) { return _mm512_set1_epi64(x); }
OPALINE_INLINE Vector add(Vector x, Vector y) { return _mm512_add_epi64(x, y); }
OPALINE_INLINE Vector subtract(Vector x, Vector y) { return _mm512_sub_epi64(x, y); }
OPALINE_INLINE Vector bit_and(Vector x, Vector y) { return _mm512_and_si512(x, y); }
OPALINE_INLINE Vector bit_xor(Vector x, Vector y) { return _mm512_xor_si512(x, y); }
OPALINE_INLINE Vector madd_low(Vector sum, Vector x, Vector y) { return _mm512_madd52lo_epu64(sum, x, y); }
OPALINE_INLINE Vector madd_high(Vector sum, Vector x, Vector y) { return _mm512_madd52hi_epu64(sum, x, y); }
/// Columns may be negative.
OPALINE_INLINE Vector carry_of(Vector x) { return _mm512_srai_epi64(x, kLimbBits); }
OPALINE_INLINE Vector sign(Vector x) { return _mm512_srai_epi64(x, 63); }
OPALINE_INLINE Vector top_bit(Vector x) { return _mm512_srli_epi64(x, 63); }
OPALINE_INLINE __mmask8 negative(Vector x) { return _mm512_movepi64_mask(x); }
OPALINE_INLINE __mmask8 equal(Vector x, Vector y) { return _mm512_cmpeq_epi64_mask(x, y); }
OPALINE_INLINE Vector choose(__mmask8 mask, Vector no, Vector yes) {
  return _mm512_mask_mov_epi64(no, mask, yes);
}
/// The indices of the lanes, as many 64-bit numbers.
OPALINE_INLINE Vector load_indices(const std::uint32_t* p) {
  return _mm512_cvtepu32_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
OPALINE_INLINE __m512i widen(Vector x) { return x; }
OPALINE_INLINE Vector narrow(__m512i x) { return x; }

#else

using Vector = __m256i;

OPALINE_INLINE Vector load(const std::uint64_t* p) {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(p));
}
OPALINE_INLINE void store(std::uint64_t* p, Vector v) {
  _mm256_store_si256(reinterpret_cast<__m256i*>(p), v);
}
OPALINE_INLINE Vector zero() { return _mm256_setzero_si256(); }
OPALINE_INLINE Vector broadcast(long long x) { return _mm256_set1_epi64x(x); }
OPALINE_INLINE Vector add(Vector x, Vector y) { return _mm256_add_epi64(x, y); }
OPALINE_INLINE Vector subtract(Vector x, Vector y) { return _mm256_sub_epi64(x, y); }
OPALINE_INLINE Vector bit_and(Vector x, Vector y) { return _mm256_and_si256(x, y); }
OPALINE_INLINE Vector bit_xor(Vector x, Vector y) { return _mm256_xor_si256(x, y); }
OPALINE_INLINE Vector madd_low(Vector sum, Vector x, Vector y) { return _mm256_madd52lo_epu64(sum, x, y); }
OPALINE_INLINE Vector madd_high(Vector sum, Vector x, Vector y) { return _mm256_madd52hi_epu64(sum, x, y); }
/// Columns may be negative.
OPALINE_INLINE Vector carry_of(Vector x) { return _mm256_srai_epi64(x, kLimbBits); }
OPALINE_INLINE Vector sign(Vector x) { return _mm256_srai_epi64(x, 63); }
OPALINE_INLINE Vector top_bit(Vector x) { return _mm256_srli_epi64(x, 63); }
OPALINE_INLINE __mmask8 negative(Vector x) { return _mm256_movepi64_mask(x); }
OPALINE_INLINE __mmask8 equal(Vector x, Vector y) { return _mm256_cmpeq_epi64_mask(x, y); }
OPALINE_INLINE Vector choose(__mmask8 mask, Vector no, Vector yes) {
  return _mm256_mask_mov_epi64(no, mask, yes);
}
/// The indices of the lanes, as many 64-bit numbers.
OPALINE_INLINE Vector load_indices(const std::uint32_t* p) {
  return _mm256_cvtepu32_epi64(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
OPALINE_INLINE __m512i widen(Vector x) { return _mm512_zextsi256_si512(x); }
OPALINE_INLINE Vector narrow(__m512i x) { return _mm512_castsi512_si256(x); }

#endif

OPALINE_INLINE Vector limb_mask() { return broadcast((1LL << kLimbBits) - 1); }

inline constexpr std::size_t kTileWords = kTile * kLanes;

/// Vectors on the stack, not cleared.
template <std::size_t Vectors>
struct Scratch {
  alignas(64) std::uint64_t words[Vectors * kLanes];
};

/// The columns that tiles on one diagonal add to. Low and high halves of the products are summed apart, which
/// keeps the chains of dependent additions short.
struct Columns {
  Vector low[2 * kTile - 1];   ///< of columns 0 … 8
  Vector high[2 * kTile - 1];  ///< of columns 1 … 9

  OPALINE_INLINE void clear() {
#pragma GCC unroll 9
    for (std::size_t i = 0; i < 2 * kTile - 1; ++i) low[i] = high[i] = zero();
  }

  OPALINE_INLINE void double_all() {
#pragma GCC unroll 9
    for (std::size_t i = 0; i < 2 * kTile - 1; ++i) {
      low[i] = add(low[i], low[i]);
      high[i] = add(high[i], high[i]);
    }
  }

  OPALINE_INLINE void multiply(std::size_t column, Vector x, Vector y) {
    low[column] = madd_low(low[column], x, y);
    high[column] = madd_high(high[column], x, y);
  }

  /// += the 5×5 tile x·y.
  OPALINE_INLINE void add_tile(const std::uint64_t* x, const std::uint64_t* y) {
    Vector a[kTile];
#pragma GCC unroll 5
    for (std::size_t i = 0; i < kTile; ++i) a[i] = load(x + kLanes * i);
#pragma GCC unroll 5
    for (std::size_t j = 0; j < kTile; ++j) {
      const Vector b = load(y + kLanes * j);
#pragma GCC unroll 5
      for (std::size_t i = 0; i < kTile; ++i) multiply(i + j, a[i], b);
    }
  }

  /// += the products of different limbs of one tile, each once.
  OPALINE_INLINE void add_triangle(const std::uint64_t* x) {
#pragma GCC unroll 5
    for (std::size_t j = 1; j < kTile; ++j) {
      const Vector b = load(x + kLanes * j);
#pragma GCC unroll 4
      for (std::size_t i = 0; i < j; ++i) multiply(i + j, load(x + kLanes * i), b);
    }
  }

  /// += the squares of the limbs of one tile.
  OPALINE_INLINE void add_squares(const std::uint64_t* x) {
#pragma GCC unroll 5
    for (std::size_t i = 0; i < kTile; ++i) {
      const Vector a = load(x + kLanes * i);
      multiply(2 * i, a, a);
    }
  }

  /// Σ x_i·y_(diagonal − i) over the tiles of a diagonal.
  OPALINE_INLINE void add_diagonal(const std::uint64_t* x, const std::uint64_t* y, std::size_t diagonal,
                                   std::size_t first, std::size_t end) {
    for (std::size_t i = first; i < end; ++i) add_tile(x + i * kTileWords, y + (diagonal - i) * kTileWords);
  }

  /// Column i of ten, both halves together.
  OPALINE_INLINE Vector column(std::size_t i) const {
    if (i == 0) return low[0];
    return i == 2 * kTile - 1 ? high[i - 1] : add(low[i], high[i - 1]);
  }
};

enum class Into { replaced, added };

template <Into Mode>
OPALINE_INLINE void put(std::uint64_t* t, Vector v) {
  store(t, Mode == Into::added ? add(load(t), v) : v);
}

}  // namespace
}  // namespace opaline::ifma
