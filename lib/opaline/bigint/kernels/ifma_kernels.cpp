#include "opaline/bigint/kernels/ifma_kernels.h"

#include <immintrin.h>

namespace opaline::ifma {
namespace {

using Vector = __m512i;

#define OPALINE_INLINE __attribute__((always_inline)) inline

OPALINE_INLINE Vector load(const std::uint64_t* p) { return _mm512_load_si512(p); }
OPALINE_INLINE void store(std::uint64_t* p, Vector v) { _mm512_store_si512(p, v); }
OPALINE_INLINE Vector zero() { return _mm512_setzero_si512(); }
OPALINE_INLINE Vector limb_mask() { return _mm512_set1_epi64((1LL << kLimbBits) - 1); }
OPALINE_INLINE Vector add(Vector x, Vector y) { return _mm512_add_epi64(x, y); }
OPALINE_INLINE Vector carry_of(Vector x) { return _mm512_srli_epi64(x, kLimbBits); }

/// The columns that tiles on one diagonal add to. Low and high halves of the products are summed apart, which
/// keeps the chains of dependent additions short; a column holds at most 6·160 of them and a carry, below
/// 2^62.
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
    low[column] = _mm512_madd52lo_epu64(low[column], x, y);
    high[column] = _mm512_madd52hi_epu64(high[column], x, y);
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
};

constexpr std::size_t kTileWords = kTile * kLanes;

/// Σ x_i·y_(diagonal − i) over the tiles of a diagonal.
OPALINE_INLINE void add_diagonal(Columns& columns, const std::uint64_t* x, const std::uint64_t* y,
                                 std::size_t diagonal, std::size_t first, std::size_t end) {
  for (std::size_t i = first; i < end; ++i)
    columns.add_tile(x + i * kTileWords, y + (diagonal - i) * kTileWords);
}

/// x·y, one diagonal of it.
struct Product {
  const std::uint64_t* x;
  const std::uint64_t* y;

  OPALINE_INLINE void operator()(Columns& c, std::size_t diagonal, std::size_t first, std::size_t end) const {
    add_diagonal(c, x, y, diagonal, first, end);
  }
};

/// x·y + z·w.
struct TwoProducts {
  const std::uint64_t* x;
  const std::uint64_t* y;
  const std::uint64_t* z;
  const std::uint64_t* w;

  OPALINE_INLINE void operator()(Columns& c, std::size_t diagonal, std::size_t first, std::size_t end) const {
    add_diagonal(c, x, y, diagonal, first, end);
    add_diagonal(c, z, w, diagonal, first, end);
  }
};

/// 2·x·y.
struct DoubleProduct {
  const std::uint64_t* x;
  const std::uint64_t* y;

  OPALINE_INLINE void operator()(Columns& c, std::size_t diagonal, std::size_t first, std::size_t end) const {
    add_diagonal(c, x, y, diagonal, first, end);
    c.double_all();
  }
};

/// x².
struct Square {
  const std::uint64_t* x;

  OPALINE_INLINE void operator()(Columns& c, std::size_t diagonal, std::size_t first, std::size_t end) const {
    const std::size_t middle = (first + end) / 2;  // tiles i < diagonal − i
    add_diagonal(c, x, x, diagonal, first, middle);
    const bool on_axis = diagonal % 2 == 0;
    const std::uint64_t* const axis = x + diagonal / 2 * kTileWords;
    if (on_axis) c.add_triangle(axis);
    c.double_all();
    if (on_axis) c.add_squares(axis);
  }
};

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
    const Vector complement = _mm512_xor_si512(load(u + kLanes * limb), limb_mask());
    return limb == 0 ? add(complement, _mm512_set1_epi64(1)) : complement;
  }
  OPALINE_INLINE Vector high(std::size_t limb) const {
    const Vector limbs = load(m + kLanes * limb);
    return limb == 0 ? _mm512_sub_epi64(limbs, _mm512_set1_epi64(1)) : limbs;
  }
};

/// Montgomery's reduction, diagonal by diagonal beside the product it reduces (Drucker, Gueron 2019 for the
/// lanes; finely integrated product scanning: Koç, Acar, Kaliski 1996): t = product + addend, u = −t/m mod R,
/// r = (t + u·m)/R.
template <typename Product, typename Addend>
OPALINE_INLINE void montgomery(const Moduli& moduli, std::uint64_t* r, std::uint64_t* u,
                               const Product& product, const Addend& addend) {
  const std::size_t tiles = moduli.limbs / kTile;
  const Vector minus_inverse = load(moduli.minus_inverse);
  const Vector mask = limb_mask();
  Vector pending[kTile];  // the upper columns of the diagonal before
#pragma GCC unroll 5
  for (std::size_t i = 0; i < kTile; ++i) pending[i] = zero();

  for (std::size_t diagonal = 0; diagonal < tiles; ++diagonal) {
    Columns c;
    c.clear();
    product(c, diagonal, 0, diagonal + 1);
    add_diagonal(c, u, moduli.m, diagonal, 0, diagonal);
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
      const Vector quotient = _mm512_madd52lo_epu64(zero(), column[i], minus_inverse);
      store(u + (diagonal * kTile + i) * kLanes, quotient);
#pragma GCC unroll 5
      for (std::size_t j = 0; j < kTile; ++j) {
        const Vector m = load(moduli.m + kLanes * j);
        column[i + j] = _mm512_madd52lo_epu64(column[i + j], quotient, m);
        column[i + j + 1] = _mm512_madd52hi_epu64(column[i + j + 1], quotient, m);
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
      product(c, diagonal, first, tiles);
      add_diagonal(c, u, moduli.m, diagonal, first, tiles);
    }
    const std::size_t out = (diagonal - tiles) * kTile;
#pragma GCC unroll 5
    for (std::size_t i = 0; i < kTile; ++i) {
      Vector sum = add(add(add(c.low[i], pending[i]), addend.high(out + i)), carry);
      if (i > 0) sum = add(sum, c.high[i - 1]);
      store(r + (out + i) * kLanes, _mm512_and_si512(sum, mask));
      carry = carry_of(sum);
    }
#pragma GCC unroll 4
    for (std::size_t i = kTile; i < 2 * kTile - 1; ++i) pending[i - kTile] = add(c.low[i], c.high[i - 1]);
    pending[kTile - 1] = c.high[2 * kTile - 2];
  }
}

/// Limbs of one half for the largest modulus; on the stack, not cleared.
struct Half {
  alignas(64) std::uint64_t words[kLargestLimbs * kLanes];
};

/// words[index[lane]] for 16·Pairs words, all of them read: a permutation looks up sixteen by the lowest four
/// bits of the index, and each further bit (bits[i] = lanes where bit 4 + i is set) chooses between halves.
template <std::size_t Pairs>
OPALINE_INLINE Vector look_up(const std::uint64_t* words, Vector index, const __mmask8* bits) {
  if constexpr (Pairs == 1) {
    return _mm512_permutex2var_epi64(load(words), index, load(words + 8));
  } else {
    constexpr int bit = __builtin_ctz(Pairs) - 1;
    return _mm512_mask_mov_epi64(look_up<Pairs / 2>(words, index, bits), bits[bit],
                                 look_up<Pairs / 2>(words + 8 * Pairs, index, bits));
  }
}

template <std::size_t Pairs>
OPALINE_INLINE void select_compact_from(std::uint64_t* r, const std::uint64_t* table, std::size_t vectors,
                                        const std::uint32_t* index) {
  constexpr __mmask8 odd_lanes = 0xaa;
  constexpr std::size_t entries = 16 * Pairs;
  const Vector wanted = _mm512_cvtepu32_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(index)));
  __mmask8 bits[3];
  for (std::size_t i = 0; i < 3; ++i) bits[i] = _mm512_test_epi64_mask(wanted, _mm512_set1_epi64(16LL << i));
  for (std::size_t i = 0; i < vectors; ++i) {
    const std::uint64_t* const even = table + 2 * i * entries;
    store(r + kLanes * i, _mm512_mask_mov_epi64(look_up<Pairs>(even, wanted, bits), odd_lanes,
                                                look_up<Pairs>(even + entries, wanted, bits)));
  }
}

OPALINE_INLINE void copy(std::uint64_t* r, const std::uint64_t* x, std::size_t vectors) {
  for (std::size_t i = 0; i < vectors; ++i) store(r + kLanes * i, load(x + kLanes * i));
}

}  // namespace

void mul(const Moduli& moduli, std::uint64_t* r, const std::uint64_t* x, const std::uint64_t* y) {
  const std::size_t half = moduli.limbs * kLanes;
  Half u;
  Half v;
  Half a;
  Half b;
  montgomery(moduli, a.words, u.words, Product{x, y}, NoAddend{});
  montgomery(moduli, b.words, v.words, TwoProducts{x, y + half, x + half, y},
             MinusQuotient{u.words, moduli.m});
  copy(r, a.words, moduli.limbs);
  copy(r + half, b.words, moduli.limbs);
}

void sqr(const Moduli& moduli, std::uint64_t* r, const std::uint64_t* x) {
  const std::size_t half = moduli.limbs * kLanes;
  Half u;
  Half v;
  Half a;
  Half b;
  montgomery(moduli, a.words, u.words, Square{x}, NoAddend{});
  montgomery(moduli, b.words, v.words, DoubleProduct{x, x + half}, MinusQuotient{u.words, moduli.m});
  copy(r, a.words, moduli.limbs);
  copy(r + half, b.words, moduli.limbs);
}

void mul_half(const Moduli& moduli, std::uint64_t* r, const std::uint64_t* x, const std::uint64_t* y) {
  Half u;
  Half a;
  montgomery(moduli, a.words, u.words, Product{x, y}, NoAddend{});
  copy(r, a.words, moduli.limbs);
}

void mul_one_plus_km(const Moduli& moduli, std::uint64_t* r, const std::uint64_t* x, const std::uint64_t* k) {
  const std::size_t half = moduli.limbs * kLanes;
  Half ak;
  mul_half(moduli, ak.words, x, k);
  if (r != x) copy(r, x, moduli.limbs);
  // b + a·k/R < 4m + 2m; 4m is taken off where the sum is not below it.
  const Vector mask = limb_mask();
  Vector carry = zero();
  Vector borrow = zero();  // 0 or −1
  Half difference;
  for (std::size_t i = 0; i < moduli.limbs; ++i) {
    const Vector sum = add(add(load(x + half + kLanes * i), load(ak.words + kLanes * i)), carry);
    const Vector limb = _mm512_and_si512(sum, mask);
    carry = carry_of(sum);
    const Vector less = add(_mm512_sub_epi64(limb, load(moduli.four_m + kLanes * i)), borrow);
    borrow = _mm512_srai_epi64(less, 63);
    store(difference.words + kLanes * i, _mm512_and_si512(less, mask));
    store(ak.words + kLanes * i, limb);
  }
  const __mmask8 below = _mm512_movepi64_mask(borrow);
  for (std::size_t i = 0; i < moduli.limbs; ++i) {
    store(r + half + kLanes * i,
          _mm512_mask_mov_epi64(load(difference.words + kLanes * i), below, load(ak.words + kLanes * i)));
  }
}

void select(std::uint64_t* r, const std::uint64_t* table, std::size_t vectors, std::size_t entries,
            const std::uint32_t* index) {
  const Vector wanted = _mm512_cvtepu32_epi64(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(index)));
  constexpr std::size_t kMostEntries = 256;
  __mmask8 is_entry[kMostEntries];
  for (std::size_t e = 0; e < entries; ++e) {
    is_entry[e] = _mm512_cmpeq_epi64_mask(wanted, _mm512_set1_epi64(static_cast<long long>(e)));
  }
  for (std::size_t i = 0; i < vectors; ++i) {
    const std::uint64_t* at = table + kLanes * i;
    Vector found = zero();
    for (std::size_t e = 0; e < entries; ++e) {
      found = _mm512_mask_mov_epi64(found, is_entry[e], load(at));
      at += kLanes * vectors;
    }
    store(r + kLanes * i, found);
  }
}

void compact(std::uint64_t* table, const std::uint64_t* elements, std::size_t vectors, std::size_t entries) {
  for (std::size_t i = 0; i < vectors; ++i) {
    for (std::size_t e = 0; e < entries; ++e) {
      const std::uint64_t* const vector = elements + (e * vectors + i) * kLanes;
      table[2 * i * entries + e] = vector[0];
      table[(2 * i + 1) * entries + e] = vector[1];
    }
  }
}

void select_compact(std::uint64_t* r, const std::uint64_t* table, std::size_t vectors, std::size_t entries,
                    const std::uint32_t* index) {
  switch (entries) {
    case 16:
      return select_compact_from<1>(r, table, vectors, index);
    case 32:
      return select_compact_from<2>(r, table, vectors, index);
    case 64:
      return select_compact_from<4>(r, table, vectors, index);
    case 128:
      return select_compact_from<8>(r, table, vectors, index);
    default:
      __builtin_trap();
  }
}

void gather_vartime(std::uint64_t* r, const std::uint64_t* table, std::size_t vectors,
                    const std::uint32_t* index) {
  const std::uint64_t* lane[kLanes];
  for (std::size_t l = 0; l < kLanes; ++l) lane[l] = table + index[l] * vectors * kLanes;
  for (std::size_t i = 0; i < vectors; ++i) {
    Vector found = load(lane[0] + kLanes * i);
#pragma GCC unroll 7
    for (std::size_t l = 1; l < kLanes; ++l) {
      found = _mm512_mask_mov_epi64(found, static_cast<__mmask8>(1U << l), load(lane[l] + kLanes * i));
    }
    store(r + kLanes * i, found);
  }
}

void scatter_vartime(std::uint64_t* table, std::size_t vectors, const std::uint32_t* index,
                     const std::uint64_t* x) {
  for (std::size_t l = 0; l < kLanes; ++l) {
    std::uint64_t* const lane = table + index[l] * vectors * kLanes + l;
    for (std::size_t i = 0; i < vectors; ++i) lane[kLanes * i] = x[kLanes * i + l];
  }
}

}  // namespace opaline::ifma
