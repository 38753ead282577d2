#include "opaline/model/input_encoding.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>

#include "opaline/base/error.h"

namespace opaline {
namespace {

constexpr unsigned kMostBits = 16;

void require(bool condition, const char* what) {
  if (!condition) throw Error(ErrorKind::invalid_argument, what);
}

std::string text_of(double x) {
  std::ostringstream text;
  text << x;
  return text.str();
}

}  // namespace

bool InputEncoding::covers(std::size_t input, double x) const {
  // An input computed by another route than the range itself may miss a border by rounding.
  constexpr double kRounding = 1e-9;
  const auto [lowest, highest] = range(input);
  const double position = (x - lowest) / (highest - lowest);
  return position >= -kRounding && position <= 1.0 + kRounding;
}

std::int64_t InputEncoding::encode(std::size_t input, double x) const {
  const auto [lowest, highest] = range(input);
  if (!std::isfinite(x)) throw Error(ErrorKind::out_of_range, "an input is infinite or not a number");
  if (beyond == Beyond::refused && !covers(input, x)) {
    throw Error(ErrorKind::out_of_range, "the input " + text_of(x) + " is outside the model's range [" +
                                             text_of(lowest) + ", " + text_of(highest) +
                                             "]; compile the model with --input-range for such inputs");
  }
  const auto largest = static_cast<double>(maximum());
  const double steps = (x - lowest) * largest / (highest - lowest);
  return static_cast<std::int64_t>(std::floor(std::clamp(steps, 0.0, largest) + 0.5));
}

void check_encoding(const InputEncoding& encoding, std::size_t inputs) {
  require(encoding.bits >= 1 && encoding.bits <= kMostBits, "an input has to have 1 to 16 bits");
  require(encoding.ranges.size() == 1 || encoding.ranges.size() == inputs,
          "there has to be one input range for all inputs, or one an input");
  for (const auto& [lowest, highest] : encoding.ranges) {
    require(std::isfinite(lowest) && std::isfinite(highest) && lowest < highest &&
                std::isfinite(highest - lowest) &&
                std::isfinite(static_cast<double>(encoding.maximum()) / (highest - lowest)),
            "the input range has to go from a finite number to a larger one");
  }
}

}  // namespace opaline
