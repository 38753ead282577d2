#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace opaline {

/// How an 8-bit pixel becomes a network input: (pixel · scale − mean) / deviation.
struct PixelScaling {
  double scale = 1.0 / 255.0;
  double mean = 0.0;
  double deviation = 1.0;  ///< > 0

  double operator()(std::uint8_t pixel) const { return (pixel * scale - mean) / deviation; }
};

/// The interval that an input of the network comes from.
struct InputRange {
  double lowest = 0.0;
  double highest = 1.0;  ///< > lowest
};

/// What becomes of a finite input beyond its range.
enum class Beyond {
  refused,  ///< an error
  clipped,  ///< taken as the end of the range; a program says so to its user
};

/// How a network input x in [lowest, highest] becomes an integer in [0, 2^bits − 1]:
/// q = floor((x − lowest) · (2^bits − 1) / (highest − lowest) + 1/2).
struct InputEncoding {
  std::vector<InputRange> ranges = {{}};  ///< one for all inputs, or one an input
  unsigned bits = 8;                      ///< 1 … 16
  Beyond beyond = Beyond::refused;

  std::int64_t maximum() const { return (std::int64_t{1} << bits) - 1; }

  const InputRange& range(std::size_t input) const {
    return ranges.size() == 1 ? ranges.front() : ranges[input];
  }

  /// How far apart the real values of two neighbouring integers are.
  double step(std::size_t input) const {
    return (range(input).highest - range(input).lowest) / static_cast<double>(maximum());
  }

  /// Whether x lies in the range of the input, up to rounding.
  bool covers(std::size_t input, double x) const;

  /// The integer of x. Error(out_of_range) for a value that is not finite and, unless those are clipped, for
  /// one that is not covered: never clipped in silence.
  std::int64_t encode(std::size_t input, double x) const;
};

/// Error(invalid_argument) unless there are 1 to 16 bits and one range, or one an input, that can be encoded.
void check_encoding(const InputEncoding& encoding, std::size_t inputs);

}  // namespace opaline
