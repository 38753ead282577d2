#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
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

/// A part of a picture.
struct Box {
  std::size_t top = 0;
  std::size_t bottom = 0;  ///< past the last row
  std::size_t left = 0;
  std::size_t right = 0;

  std::size_t rows() const { return bottom - top; }
  std::size_t columns() const { return right - left; }
};

/// The smallest one that holds every place i of is_in(i), if there is any.
template <typename IsIn>
std::optional<Box> box_where(const GreyField& field, const IsIn& is_in) {
  Box box{field.rows, 0, field.columns, 0};
  for (std::size_t i = 0; i < field.values.size(); ++i) {
    if (!is_in(i)) continue;
    const std::size_t row = i / field.columns;
    const std::size_t column = i % field.columns;
    box = {std::min(box.top, row), std::max(box.bottom, row + 1), std::min(box.left, column),
           std::max(box.right, column + 1)};
  }
  if (box.bottom == 0) return std::nullopt;
  return box;
}

GreyField cut_to(const Box& box, const GreyField& field);

/// The same picture in another size, each new pixel the mean over the area it covers. Sizes > 0.
GreyField resized(const GreyField& field, std::size_t rows, std::size_t columns);

/// Each pixel the mean of the (2 radius + 1)² around it, as far as they are in the picture.
GreyField blurred(const GreyField& field, std::size_t radius);

/// Each pixel the brightest of those around it up to that far; larger by the radius on every side.
GreyField widened(const GreyField& field, std::size_t radius);

}  // namespace opaline
