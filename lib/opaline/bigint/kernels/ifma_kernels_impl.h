#pragma once

// The kernels for OPALINE_IFMA_LANES numbers side by side: what ifma_kernels_*.cpp consist of.

#include "opaline/bigint/kernels/ifma_kernels.h"
#include "opaline/bigint/kernels/ifma_reduction.h"

namespace opaline::ifma {
namespace {

/// Levels of Karatsuba's identity, where they pay: halves and quarters must be whole tiles, and small numbers
/// are faster without.
constexpr std::size_t karatsuba_levels(std::size_t limbs) {
  const std::size_t tiles = limbs / kTile;
  if (tiles < 8 || tiles % 2 != 0) return 0;
  return tiles % 4 == 0 ? 2 : 1;
}

template <std::size_t Levels>
struct LevelCount {
  constexpr std::size_t operator()() const { return Levels; }
};

template <typename Action>
OPALINE_INLINE auto at_levels(std::size_t limbs, const Action& action) {
  switch (karatsuba_levels(limbs)) {
    case 0:
      return action(LevelCount<0>{});
    case 1:
      return action(LevelCount<1>{});
    default:
      return action(LevelCount<2>{});
  }
}

OPALINE_INLINE void copy(std::uint64_t* r, const std::uint64_t* x, std::size_t vectors) {
  for (std::size_t i = 0; i < vectors; ++i) store(r + kLanes * i, load(x + kLanes * i));
}

/// A product of pairs in the making. What it needs besides its operands is in one piece, so that it stays in
/// the cache: two quotients, two results, sums of four operands, columns, and what Karatsuba's products keep
/// apart. Results are copied at the end, since outputs may alias inputs.
template <std::size_t Levels>
class Workspace {
 public:
  OPALINE_INLINE explicit Workspace(const Moduli& moduli)
      : moduli_(moduli),
        half_(moduli.limbs * kLanes),
        u_(vectors_.words),
        v_(u_ + half_),
        a_(v_ + half_),
        b_(a_ + half_),
        free_(b_ + half_) {}

  OPALINE_INLINE Operand<Levels> prepare(const std::uint64_t* x) {
    return ifma::prepare<Levels>(x, moduli_.limbs, &free_);
  }

  OPALINE_INLINE void first(const auto& product) { montgomery(moduli_, a_, u_, product, NoAddend{}, free_); }
  OPALINE_INLINE void second(const auto& product) {
    montgomery(moduli_, b_, v_, product, MinusQuotient{u_, moduli_.m}, free_);
  }
  OPALINE_INLINE void finish(std::uint64_t* r) const {
    finish_half(r);
    copy(r + half_, b_, moduli_.limbs);
  }
  OPALINE_INLINE void finish_half(std::uint64_t* r) const { copy(r, a_, moduli_.limbs); }

 private:
  Scratch<18 * kLargestLimbs> vectors_;
  const Moduli& moduli_;
  std::size_t half_;
  std::uint64_t* u_;
  std::uint64_t* v_;
  std::uint64_t* a_;
  std::uint64_t* b_;
  std::uint64_t* free_;
};

/// A table's 16·Pairs words at one place, in registers as far as they reach: of 512 bits for four lanes too.
template <std::size_t Pairs>
struct TablePiece {
  __m512i words[2 * Pairs];

  OPALINE_INLINE explicit TablePiece(const std::uint64_t* table) {
#pragma GCC unroll 32
    for (std::size_t i = 0; i < 2 * Pairs; ++i) words[i] = _mm512_load_si512(table + 8 * i);
  }

  /// words[index[lane]], all of them used: a permutation looks up sixteen by the lowest four bits of the
  /// index, and each further bit (bits[i] = lanes where bit 4 + i is set) chooses between halves.
  template <std::size_t First = 0, std::size_t Count = Pairs>
  OPALINE_INLINE __m512i look_up(__m512i index, const __mmask8* bits) const {
    if constexpr (Count == 1) {
      return _mm512_permutex2var_epi64(words[2 * First], index, words[2 * First + 1]);
    } else {
      constexpr int bit = __builtin_ctz(Count) - 1;
      return _mm512_mask_mov_epi64(look_up<First, Count / 2>(index, bits), bits[bit],
                                   look_up<First + Count / 2, Count / 2>(index, bits));
    }
  }
};

/// Bits of an index beyond the four that a permutation uses.
constexpr std::size_t kHighBits = 4;

template <std::size_t Pairs>
OPALINE_INLINE void select_compact_from(std::uint64_t* r, const std::uint64_t* table, std::size_t vectors,
                                        const std::uint32_t* index, std::size_t elements) {
  constexpr std::size_t entries = 16 * Pairs;
  __m512i wanted[kMostSelected];
  __mmask8 bits[kMostSelected][kHighBits];
  for (std::size_t e = 0; e < elements; ++e) {
    wanted[e] = widen(load_indices(index + kLanes * e));
    for (std::size_t i = 0; i < kHighBits; ++i) {
      bits[e][i] = _mm512_test_epi64_mask(wanted[e], _mm512_set1_epi64(16LL << i));
    }
  }
  for (std::size_t i = 0; i < vectors; ++i) {
    const TablePiece<Pairs> piece(table + i * entries);
    for (std::size_t e = 0; e < elements; ++e) {
      store(r + (e * vectors + i) * kLanes, narrow(piece.look_up(wanted[e], bits[e])));
    }
  }
}

#if OPALINE_IFMA_LANES == 8

/// Exchanges rows and columns of eight words: unpacked by pairs, then blocks of two in two steps.
OPALINE_INLINE void transpose(Vector (&rows)[kLanes]) {
  Vector pairs[kLanes];
#pragma GCC unroll 4
  for (std::size_t i = 0; i < kLanes; i += 2) {
    pairs[i] = _mm512_unpacklo_epi64(rows[i], rows[i + 1]);
    pairs[i + 1] = _mm512_unpackhi_epi64(rows[i], rows[i + 1]);
  }
#pragma GCC unroll 2
  for (std::size_t odd = 0; odd < 2; ++odd) {
    const Vector low_first = _mm512_shuffle_i64x2(pairs[odd], pairs[2 + odd], 0x44);
    const Vector low_second = _mm512_shuffle_i64x2(pairs[4 + odd], pairs[6 + odd], 0x44);
    const Vector high_first = _mm512_shuffle_i64x2(pairs[odd], pairs[2 + odd], 0xEE);
    const Vector high_second = _mm512_shuffle_i64x2(pairs[4 + odd], pairs[6 + odd], 0xEE);
    rows[odd] = _mm512_shuffle_i64x2(low_first, low_second, 0x88);
    rows[2 + odd] = _mm512_shuffle_i64x2(low_first, low_second, 0xDD);
    rows[4 + odd] = _mm512_shuffle_i64x2(high_first, high_second, 0x88);
    rows[6 + odd] = _mm512_shuffle_i64x2(high_first, high_second, 0xDD);
  }
}

#else

/// Exchanges rows and columns of four words.
OPALINE_INLINE void transpose(Vector (&rows)[kLanes]) {
  const Vector low01 = _mm256_unpacklo_epi64(rows[0], rows[1]);
  const Vector high01 = _mm256_unpackhi_epi64(rows[0], rows[1]);
  const Vector low23 = _mm256_unpacklo_epi64(rows[2], rows[3]);
  const Vector high23 = _mm256_unpackhi_epi64(rows[2], rows[3]);
  rows[0] = _mm256_permute2x128_si256(low01, low23, 0x20);
  rows[1] = _mm256_permute2x128_si256(high01, high23, 0x20);
  rows[2] = _mm256_permute2x128_si256(low01, low23, 0x31);
  rows[3] = _mm256_permute2x128_si256(high01, high23, 0x31);
}

#endif

}  // namespace

template <>
void Kernels<kLanes>::mul(const Moduli& moduli, std::uint64_t* r, const std::uint64_t* x,
                          const std::uint64_t* y) {
  at_levels(
      moduli.limbs, [&](auto levels) __attribute__((always_inline)) {
        constexpr std::size_t kLevels = levels();
        const std::size_t limbs = moduli.limbs;
        const std::size_t half = limbs * kLanes;
        Workspace<kLevels> w(moduli);
        const Operand<kLevels> a = w.prepare(x);
        const Operand<kLevels> c = w.prepare(y);
        w.first(Product<kLevels>{a, c});
        const Operand<kLevels> b = w.prepare(x + half);
        const Operand<kLevels> d = w.prepare(y + half);
        w.second(TwoProducts<kLevels>{a, d, b, c});
        w.finish(r);
      });
}

template <>
void Kernels<kLanes>::mul_first_half(const Moduli& moduli, std::uint64_t* r, const std::uint64_t* x,
                                     const std::uint64_t* y) {
  at_levels(
      moduli.limbs, [&](auto levels) __attribute__((always_inline)) {
        constexpr std::size_t kLevels = levels();
        Workspace<kLevels> w(moduli);
        const Operand<kLevels> factor = w.prepare(y);
        w.first(Product<kLevels>{w.prepare(x), factor});
        w.second(Product<kLevels>{w.prepare(x + moduli.limbs * kLanes), factor});
        w.finish(r);
      });
}

template <>
void Kernels<kLanes>::sqr(const Moduli& moduli, std::uint64_t* r, const std::uint64_t* x) {
  at_levels(
      moduli.limbs, [&](auto levels) __attribute__((always_inline)) {
        constexpr std::size_t kLevels = levels();
        Workspace<kLevels> w(moduli);
        const Operand<kLevels> a = w.prepare(x);
        w.first(Square<kLevels>{a});
        w.second(DoubleProduct<kLevels>{a, w.prepare(x + moduli.limbs * kLanes)});
        w.finish(r);
      });
}

template <>
void Kernels<kLanes>::mul_halves(const Moduli& moduli, std::uint64_t* r, const std::uint64_t* x,
                                 const std::uint64_t* y) {
  at_levels(
      moduli.limbs, [&](auto levels) __attribute__((always_inline)) {
        constexpr std::size_t kLevels = levels();
        Workspace<kLevels> w(moduli);
        const Operand<kLevels> a = w.prepare(x);
        w.first(Product<kLevels>{a, w.prepare(y)});
        w.finish_half(r);
      });
}

template <>
std::size_t Kernels<kLanes>::sum_vectors(std::size_t limbs) {
  return at_levels(limbs, [&](auto levels) { return Operand<levels()>::sum_vectors(limbs); });
}

template <>
void Kernels<kLanes>::make_sums(std::uint64_t* sums, const std::uint64_t* m, std::size_t limbs) {
  at_levels(limbs, [&](auto levels) { Operand<levels()>::make_sums(sums, m, limbs); });
}

template <>
void Kernels<kLanes>::add_halves(const Moduli& moduli, std::uint64_t* r, const std::uint64_t* x,
                                 const std::uint64_t* y) {
  // x + y < 8m; 4m is taken off where the sum is not below it.
  Scratch<kLargestLimbs> total;
  Scratch<kLargestLimbs> difference;
  Vector carry = zero();
  Vector borrow = zero();  // 0 or −1
  for (std::size_t i = 0; i < moduli.limbs; ++i) {
    const Vector sum = add(add(load(x + kLanes * i), load(y + kLanes * i)), carry);
    const Vector limb = bit_and(sum, limb_mask());
    carry = carry_of(sum);
    const Vector less = add(subtract(limb, load(moduli.four_m + kLanes * i)), borrow);
    borrow = sign(less);
    store(difference.words + kLanes * i, bit_and(less, limb_mask()));
    store(total.words + kLanes * i, limb);
  }
  const __mmask8 below = negative(borrow);
  for (std::size_t i = 0; i < moduli.limbs; ++i) {
    store(r + kLanes * i, choose(below, load(difference.words + kLanes * i), load(total.words + kLanes * i)));
  }
}

template <>
void Kernels<kLanes>::mul_one_plus_km(const Moduli& moduli, std::uint64_t* r, const std::uint64_t* x,
                                      const std::uint64_t* k) {
  const std::size_t half = moduli.limbs * kLanes;
  Scratch<kLargestLimbs> ak;
  mul_halves(moduli, ak.words, x, k);
  if (r != x) copy(r, x, moduli.limbs);
  add_halves(moduli, r + half, x + half, ak.words);
}

template <>
void Kernels<kLanes>::select(std::uint64_t* r, const std::uint64_t* table, std::size_t vectors,
                             std::size_t entries, const std::uint32_t* index) {
  const Vector wanted = load_indices(index);
  constexpr std::size_t kMostEntries = 256;
  __mmask8 is_entry[kMostEntries];
  for (std::size_t e = 0; e < entries; ++e) {
    is_entry[e] = equal(wanted, broadcast(static_cast<long long>(e)));
  }
  for (std::size_t i = 0; i < vectors; ++i) {
    const std::uint64_t* at = table + kLanes * i;
    Vector found = zero();
    for (std::size_t e = 0; e < entries; ++e) {
      found = choose(is_entry[e], found, load(at));
      at += kLanes * vectors;
    }
    store(r + kLanes * i, found);
  }
}

template <>
void Kernels<kLanes>::compact(std::uint64_t* table, const std::uint64_t* elements, std::size_t vectors,
                              std::size_t entries) {
  for (std::size_t i = 0; i < vectors; ++i) {
    for (std::size_t e = 0; e < entries; ++e) {
      table[i * entries + e] = elements[(e * vectors + i) * kLanes];
    }
  }
}

template <>
void Kernels<kLanes>::select_compact(std::uint64_t* r, const std::uint64_t* table, std::size_t vectors,
                                     std::size_t entries, const std::uint32_t* index, std::size_t elements) {
  switch (entries) {
    case 16:
      return select_compact_from<1>(r, table, vectors, index, elements);
    case 32:
      return select_compact_from<2>(r, table, vectors, index, elements);
    case 64:
      return select_compact_from<4>(r, table, vectors, index, elements);
    case 128:
      return select_compact_from<8>(r, table, vectors, index, elements);
    case 256:
      return select_compact_from<16>(r, table, vectors, index, elements);
    default:
      __builtin_trap();
  }
}

template <>
void Kernels<kLanes>::gather_numbers(std::uint64_t* r, std::size_t vectors,
                                     const std::uint64_t* const* numbers) {
  for (std::size_t first = 0; first < vectors; first += kLanes) {
    Vector rows[kLanes];
#pragma GCC unroll 8
    for (std::size_t l = 0; l < kLanes; ++l) rows[l] = load(numbers[l] + first);
    transpose(rows);
    const std::size_t count = vectors - first < kLanes ? vectors - first : kLanes;
    for (std::size_t i = 0; i < count; ++i) store(r + (first + i) * kLanes, rows[i]);
  }
}

template <>
void Kernels<kLanes>::scatter_numbers(std::uint64_t* const* numbers, std::size_t vectors,
                                      const std::uint64_t* x) {
  for (std::size_t first = 0; first < number_words(vectors); first += kLanes) {
    Vector rows[kLanes];
    for (std::size_t i = 0; i < kLanes; ++i) {
      rows[i] = first + i < vectors ? load(x + (first + i) * kLanes) : zero();
    }
    transpose(rows);
#pragma GCC unroll 8
    for (std::size_t l = 0; l < kLanes; ++l) store(numbers[l] + first, rows[l]);
  }
}

}  // namespace opaline::ifma
