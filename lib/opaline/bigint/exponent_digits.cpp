#include "opaline/bigint/exponent_digits.h"

#include <algorithm>

#include "opaline/base/error.h"

namespace opaline {

ExponentDigits::ExponentDigits(std::span<const Integer> exponents, std::size_t lanes, std::size_t bits,
                               std::size_t width)
    : width_(width),
      count_(std::max<std::size_t>((bits + width - 1) / width, 1)),
      words_(count_ * width / 64 + 2),
      exponents_(lanes * words_) {
  if (exponents.size() != lanes) throw Error(ErrorKind::invalid_argument, "one exponent a lane is needed");
  for (std::size_t lane = 0; lane < lanes; ++lane) {
    if (exponents[lane] < 0 || bit_length(exponents[lane]) > bits) {
      throw Error(ErrorKind::invalid_argument, "an exponent lies outside its declared bits");
    }
    to_words(exponents[lane], std::span(exponents_).subspan(lane * words_, words_));
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
