#pragma once

#include <span>

#include "opaline/bigint/words.h"

namespace opaline {

/// Division by a secret number whose bit length is public, in time that depends on sizes only: by products
/// with its reciprocal and corrections that are always made (Barrett 1986; Brent, Zimmermann, Modern Computer
/// Arithmetic, 2010, algorithms 2.5 and 3.5). mpn_sec_div_qr would look up the divisor's top bits in a table.
class Divider {
 public:
  /// Of as many words as the bits of `divisor` > 0 need; higher words of it, if any, are zero.
  explicit Divider(std::span<const Word> divisor);

  std::size_t size() const { return divisor_.size(); }  ///< words of the divisor
  std::size_t bits() const { return 64 * size() - shift_; }

  /// q = floor(x/divisor) and r = x mod divisor, size() words each, for x < divisor·2^(64·size()) of
  /// 2·size() words. x may overlap q and r. Error(fault) rather than a remainder that is not below the
  /// divisor.
  void divide(std::span<Word> q, std::span<Word> r, std::span<const Word> x) const;

  /// r = x mod divisor alone. x has at most 2·size() words and is as above.
  void remainder(std::span<Word> r, std::span<const Word> x) const;

 private:
  unsigned shift_;      ///< to the left, so that the top bit is set
  WordVector divisor_;  ///< shifted
  WordVector reciprocal_;  ///< X − 2^(64·size()), 2^(128·size()) − 2·divisor < divisor·X < 2^(128·size())
};

}  // namespace opaline
