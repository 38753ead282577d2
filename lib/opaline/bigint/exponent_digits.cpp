#include "opaline/bigint/exponent_digits.h"

#include <algorithm>

#include "opaline/base/constant_time.h"
#include "opaline/base/error.h"
#include "opaline/bigint/exponentiation.h"

namespace opaline {

ExponentDigits::ExponentDigits(std::span<const Word> exponents, std::size_t lanes, std::size_t bits,
                               std::size_t width)
    : width_(width),
      count_(std::max<std::size_t>((bits + width - 1) / width, 1)),
      words_(count_ * width / 64 + 2),
      exponents_(lanes * words_) {
  const std::size_t size = exponent_words(bits);
  if (exponents.size() != lanes * size) {
    throw Error(ErrorKind::invalid_argument, "one exponent a lane is needed");
  }
  Word above = 0;  // bits that should not be there
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    const auto exponent = exponents.subspan(lane * size, size);
    std::copy(exponent.begin(), exponent.end(),
              exponents_.begin() + static_cast<std::ptrdiff_t>(lane * words_));
    if (bits < 64 * size) above |= exponent.back() >> (bits % 64);
  }
  if (declassified(above) != 0) {
    throw Error(ErrorKind::invalid_argument, "an exponent lies outside its declared bits");
  }
}

void ExponentDigits::read(std::size_t position, std::span<std::uint32_t> digits) const {
  const std::size_t bit = position * width_;
  const std::size_t shift = bit % 64;
  for (std::size_t lane = 0; lane < digits.size(); ++lane) {
    const Word* const words = exponents_.data() + lane * words_ + bit / 64;
    const Word high = shift == 0 ? 0 : words[1] << (64 - shift);  // the shift is public
    digits[lane] = static_cast<std::uint32_t>(((words[0] >> shift) | high) & ((Word{1} << width_) - 1));
  }
}

}  // namespace opaline
