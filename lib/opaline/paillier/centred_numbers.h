#pragma once

#include <span>

#include "opaline/bigint/integer.h"
#include "opaline/bigint/words.h"

namespace opaline {

/// Plaintexts: the integers in (−n/2, n/2) that stand for the residues modulo an odd n. Constant-time in the
/// numbers, but for how many words an Integer is kept in.
class CentredNumbers {
 public:
  explicit CentredNumbers(const Integer& n);

  std::size_t size() const { return n_.size(); }  ///< words of n

  /// The residue in [0, n), in size() words. Error(out_of_range) for a number outside (−n/2, n/2).
  void residue(std::span<Word> r, const Integer& value) const;

  /// The residue of any number. Not constant-time for one outside (−n/2, n/2).
  void any_residue(std::span<Word> r, const Integer& value) const;

  /// The number a residue below n stands for. The residue is used up.
  Integer value(std::span<Word> residue) const;

  /// Whether a number is one in (−n/2, n/2) and its residue this one.
  bool is_residue(std::span<const Word> residue, const Integer& value) const;

 private:
  bool find_residue(std::span<Word> r, const Integer& value) const;

  WordVector n_;
  WordVector half_;  ///< (n − 1)/2
};

}  // namespace opaline
