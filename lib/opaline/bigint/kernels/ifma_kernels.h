#pragma once

// Plain declarations only: ifma_kernels_*.cpp are compiled with AVX-512 flags, so nothing they include may be
// inline code that another file could end up sharing.

#include <cstddef>
#include <cstdint>

namespace opaline::ifma {

/// Numbers stand side by side in lanes: limb i of lane l (52 bits) is word lanes·i + l.
inline constexpr unsigned kLimbBits = 52;

/// Limbs come in tiles of five: 1024, 1536, 2048, 3072 and 4096 bits and six spare ones fill 20, 30, 40, 60
/// and 80 limbs.
inline constexpr std::size_t kTile = 5;

/// 8192 bits and six more, in whole tiles.
inline constexpr std::size_t kLargestLimbs = 160;

/// An odd modulus m < 2^(52·limbs − 6) a lane, limbs a multiple of kTile. R = 2^(52·limbs).
struct Moduli {
  std::size_t limbs;
  const std::uint64_t* m;              ///< 8·limbs words
  const std::uint64_t* four_m;         ///< 4·m
  const std::uint64_t* m_sums;         ///< of make_sums
  const std::uint64_t* minus_inverse;  ///< −m^−1 mod 2^52, one word a lane
};

inline constexpr std::size_t kMostSelected = 16;

/// One lane of an element of that many vectors on its own: its words in a row, filled up to whole vectors of
/// eight, however many lanes there are.
constexpr std::size_t number_words(std::size_t vectors) { return (vectors + 7) / 8 * 8; }

/// What can be done with that many lanes: 8 or 4. A vector is a word of each lane.
template <std::size_t Lanes>
struct Kernels {
  /// Sums of halves of the moduli, which products with them need: sum_vectors(limbs) vectors.
  static std::size_t sum_vectors(std::size_t limbs);
  static void make_sums(std::uint64_t* sums, const std::uint64_t* m, std::size_t limbs);

  /// Pairs are 2·limbs vectors: first half a, second half b, a + b·m in Montgomery form. All pointers are
  /// aligned to 64 bytes. Halves read are below 4m with every limb below 2^52; so are halves written, namely
  /// a < 2m, b < 3m unless said otherwise. Outputs may alias inputs.
  static void mul(const Moduli& moduli, std::uint64_t* r, const std::uint64_t* x, const std::uint64_t* y);
  static void sqr(const Moduli& moduli, std::uint64_t* r, const std::uint64_t* x);

  /// r = x·y with the second half of y taken as zero.
  static void mul_first_half(const Moduli& moduli, std::uint64_t* r, const std::uint64_t* x,
                             const std::uint64_t* y);

  /// r = x·(1 + k·m), k < 4m; b < 4m.
  static void mul_one_plus_km(const Moduli& moduli, std::uint64_t* r, const std::uint64_t* x,
                              const std::uint64_t* k);

  /// Halves alone, below 4m: r = x·y/R mod m, r < 2m; r = x + y mod m, r < 4m.
  static void mul_halves(const Moduli& moduli, std::uint64_t* r, const std::uint64_t* x,
                         const std::uint64_t* y);
  static void add_halves(const Moduli& moduli, std::uint64_t* r, const std::uint64_t* x,
                         const std::uint64_t* y);

  /// r = table[index[lane]] for `entries` ≤ 256 elements of `vectors` vectors; every entry is read whole.
  static void select(std::uint64_t* r, const std::uint64_t* table, std::size_t vectors, std::size_t entries,
                     const std::uint32_t* index);

  /// A table of numbers that all lanes share: of each vector, the word of lane 0 of all `entries`. entries is
  /// a power of two from 16 to 256.
  static void compact(std::uint64_t* table, const std::uint64_t* elements, std::size_t vectors,
                      std::size_t entries);

  /// r = table[index[Lanes·e + lane]] for each of the `elements` e ≤ kMostSelected, which share the reading
  /// of the table.
  static void select_compact(std::uint64_t* r, const std::uint64_t* table, std::size_t vectors,
                             std::size_t entries, const std::uint32_t* index, std::size_t elements);

  /// The element of the numbers at so many places, aligned to 64 bytes, and its opposite.
  static void gather_numbers(std::uint64_t* r, std::size_t vectors, const std::uint64_t* const* numbers);
  static void scatter_numbers(std::uint64_t* const* numbers, std::size_t vectors, const std::uint64_t* x);
};

}  // namespace opaline::ifma
