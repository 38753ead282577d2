#pragma once

// Plain declarations only: ifma_kernels.cpp is compiled with AVX-512 flags, so nothing it includes may be
// inline code that another file could end up sharing.

#include <cstddef>
#include <cstdint>

namespace opaline::ifma {

/// Eight numbers side by side: limb i of lane l (52 bits) is word 8·i + l.
inline constexpr std::size_t kLanes = 8;
inline constexpr unsigned kLimbBits = 52;

/// Limbs come in tiles of five: 1024, 1536, 2048, 3072 and 4096 bits and six spare ones fill 20, 30, 40, 60
/// and 80 limbs.
inline constexpr std::size_t kTile = 5;

/// 8192 bits and six more, in whole tiles.
inline constexpr std::size_t kLargestLimbs = 160;

/// Eight odd moduli m < 2^(52·limbs − 6), limbs a multiple of kTile. R = 2^(52·limbs).
struct Moduli {
  std::size_t limbs;
  const std::uint64_t* m;              ///< 8·limbs words
  const std::uint64_t* four_m;         ///< 4·m
  const std::uint64_t* m_sums;         ///< of make_sums
  const std::uint64_t* minus_inverse;  ///< −m^−1 mod 2^52, 8 words
};

/// Sums of halves of the moduli, which products with them need: 8·sum_vectors(limbs) words.
std::size_t sum_vectors(std::size_t limbs);
void make_sums(std::uint64_t* sums, const std::uint64_t* m, std::size_t limbs);

/// Pairs are 16·limbs words: first half a, second half b, a + b·m in Montgomery form. All pointers are
/// aligned to 64 bytes. Halves read are below 4m with every limb below 2^52; so are halves written, namely a
/// < 2m, b < 3m unless said otherwise. Outputs may alias inputs.
void mul(const Moduli& moduli, std::uint64_t* r, const std::uint64_t* x, const std::uint64_t* y);
void sqr(const Moduli& moduli, std::uint64_t* r, const std::uint64_t* x);

/// r = x·y with the second half of y taken as zero.
void mul_first_half(const Moduli& moduli, std::uint64_t* r, const std::uint64_t* x, const std::uint64_t* y);

/// r = x·(1 + k·m), k < 4m; b < 4m.
void mul_one_plus_km(const Moduli& moduli, std::uint64_t* r, const std::uint64_t* x, const std::uint64_t* k);

/// Halves alone, below 4m: r = x·y/R mod m, r < 2m; r = x + y mod m, r < 4m.
void mul_halves(const Moduli& moduli, std::uint64_t* r, const std::uint64_t* x, const std::uint64_t* y);
void add_halves(const Moduli& moduli, std::uint64_t* r, const std::uint64_t* x, const std::uint64_t* y);

/// r = table[index[lane]] for `entries` ≤ 256 elements of `vectors` vectors of eight words; every entry is
/// read whole.
void select(std::uint64_t* r, const std::uint64_t* table, std::size_t vectors, std::size_t entries,
            const std::uint32_t* index);

/// A table of numbers that all lanes share: of each vector, the word of lane 0 of all `entries`. entries is a
/// power of two from 16 to 256.
void compact(std::uint64_t* table, const std::uint64_t* elements, std::size_t vectors, std::size_t entries);

/// r = table[index[8·e + lane]] for each of the `elements` e ≤ kMostSelected, which share the reading of the
/// table.
inline constexpr std::size_t kMostSelected = 16;
void select_compact(std::uint64_t* r, const std::uint64_t* table, std::size_t vectors, std::size_t entries,
                    const std::uint32_t* index, std::size_t elements);

/// One lane of an element on its own: its words in a row, filled up to whole vectors.
constexpr std::size_t number_words(std::size_t vectors) { return (vectors + kLanes - 1) / kLanes * kLanes; }

/// The element of the numbers at eight places, aligned to 64 bytes, and its opposite.
void gather_numbers(std::uint64_t* r, std::size_t vectors, const std::uint64_t* const* numbers);
void scatter_numbers(std::uint64_t* const* numbers, std::size_t vectors, const std::uint64_t* x);

}  // namespace opaline::ifma
