#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "opaline/bigint/pair_arithmetic.h"

namespace opaline {

/// Powers of bases that are used again and again: a table of base^(d·2^(w·i)) for every digit d at every
/// place i makes a power one product a digit, without squarings (Brickell, Gordon, McCurley, Wilson 1992).
/// All lanes share the base and the modulus. Immutable; safe from many threads.
///
/// A table entry x holds its first half and the k of x = x̄·(1 + k·m) (PairArithmetic::mul_first_half): what
/// multiplies is x̄ alone, and the k are added up.
class FixedBase {
 public:
  /// Tables are kept below this by narrower digits: 32 MiB.
  static constexpr std::size_t kLargestTable = std::size_t{32} << 20;

  /// For exponents 0 ≤ e < 2^bits, of a base whose inverse mod m² is known. `arithmetic` must outlive this.
  FixedBase(const PairArithmetic& arithmetic, const Word* base, const Word* inverse, std::size_t bits);

  /// results[g] = base^exponents[g][lane] in every lane, for several elements at once, which share the
  /// reading of the table. Exponents lie one after the other, lane for lane and element for element, in
  /// exponent_words(bits) words each. Constant-time: every entry of the table is read for every digit.
  void pow(std::span<WordVector> results, std::span<const Word> exponents) const;

  std::size_t table_bytes() const { return table_.size() * sizeof(Word); }

 private:
  std::size_t entries() const { return std::size_t{1} << width_; }
  std::size_t places() const { return (bits_ + width_ - 1) / width_; }
  WordVector steps(const Word* base) const;  ///< base^(2^(width·i)) for every place i
  /// A part of what the next digits need, while products are under way.
  void prefetch(std::size_t i, std::size_t slice, std::size_t slices) const;

  const Word* place(std::size_t i) const { return table_.data() + i * f_.compact_words(entries()); }

  const PairArithmetic& f_;
  std::size_t bits_;
  std::size_t width_;
  WordVector table_;
};

}  // namespace opaline
