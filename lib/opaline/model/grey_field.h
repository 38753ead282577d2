#pragma once

#include <cstddef>
#include <vector>

namespace opaline {

/// A picture in numbers, row by row.
struct GreyField {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<double> values;

  double& at(std::size_t row, std::size_t column) { return values[row * columns + column]; }
  double at(std::size_t row, std::size_t column) const { return values[row * columns + column]; }
};

/// The same picture in another size, each new pixel the mean over the area it covers. Sizes > 0.
GreyField resized(const GreyField& field, std::size_t rows, std::size_t columns);

/// Each pixel the mean of the (2 radius + 1)² around it, as far as they are in the picture.
GreyField blurred(const GreyField& field, std::size_t radius);

/// Each pixel the brightest of those around it up to that far; larger by the radius on every side.
GreyField widened(const GreyField& field, std::size_t radius);

}  // namespace opaline
