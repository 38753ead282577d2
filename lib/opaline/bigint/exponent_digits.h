#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "opaline/bigint/pair_arithmetic.h"

namespace opaline {

/// Secret exponents, one a lane, cut into digits of `width` ≤ 16 bits. Reading takes the same time for any
/// digit.
class ExponentDigits {
 public:
  /// `lanes` exponents 0 ≤ e < 2^bits of words_for(bits) words each (of one word for bits = 0), or
  /// Error(invalid_argument).
  ExponentDigits(std::span<const Word> exponents, std::size_t lanes, std::size_t bits, std::size_t width);

  std::size_t count() const { return count_; }  ///< digits an exponent, at least one

  /// The digits of all lanes at one position, counted from the lowest.
  void read(std::size_t position, std::span<std::uint32_t> digits) const;

 private:
  std::size_t width_;
  std::size_t count_;
  std::size_t words_;
  WordVector exponents_;
};

}  // namespace opaline
