#include "opaline/model/data/grey_field.h"

#include <algorithm>

namespace opaline {
namespace {

GreyField transposed(const GreyField& field) {
  GreyField result{field.columns, field.rows, std::vector<double>(field.values.size())};
  for (std::size_t r = 0; r < field.rows; ++r) {
    for (std::size_t c = 0; c < field.columns; ++c) result.at(c, r) = field.at(r, c);
  }
  return result;
}

// In units of 1 / (rows × new rows) of the height, old row r covers [r · rows', (r + 1) · rows') and new row
// r' covers [r' · rows, (r' + 1) · rows): all overlaps are whole numbers.
GreyField with_rows(const GreyField& field, std::size_t rows) {
  if (rows == field.rows) return field;
  GreyField result{rows, field.columns, std::vector<double>(rows * field.columns)};
  for (std::size_t to = 0; to < rows; ++to) {
    const std::size_t begin = to * field.rows;
    const std::size_t end = begin + field.rows;
    for (std::size_t from = begin / rows; from * rows < end; ++from) {
      const std::size_t overlap = std::min(end, (from + 1) * rows) - std::max(begin, from * rows);
      const double weight = static_cast<double>(overlap) / static_cast<double>(field.rows);
      for (std::size_t c = 0; c < field.columns; ++c) result.at(to, c) += weight * field.at(from, c);
    }
  }
  return result;
}

GreyField blurred_down(const GreyField& field, std::size_t radius) {
  GreyField result{field.rows, field.columns, std::vector<double>(field.values.size())};
  for (std::size_t r = 0; r < field.rows; ++r) {
    const std::size_t begin = r - std::min(r, radius);
    const std::size_t end = std::min(field.rows, r + radius + 1);
    for (std::size_t c = 0; c < field.columns; ++c) {
      double sum = 0;
      for (std::size_t i = begin; i < end; ++i) sum += field.at(i, c);
      result.at(r, c) = sum / static_cast<double>(end - begin);
    }
  }
  return result;
}

GreyField widened_down(const GreyField& field, std::size_t radius) {
  GreyField result{field.rows + 2 * radius, field.columns, {}};
  result.values.resize(result.rows * result.columns);
  for (std::size_t r = 0; r < field.rows; ++r) {
    for (std::size_t to = r; to <= r + 2 * radius; ++to) {
      for (std::size_t c = 0; c < field.columns; ++c) {
        result.at(to, c) = std::max(result.at(to, c), field.at(r, c));
      }
    }
  }
  return result;
}

}  // namespace

GreyField cut_to(const Box& box, const GreyField& field) {
  GreyField cut{box.rows(), box.columns(), {}};
  for (std::size_t r = box.top; r < box.bottom; ++r) {
    for (std::size_t c = box.left; c < box.right; ++c) cut.values.push_back(field.at(r, c));
  }
  return cut;
}

GreyField resized(const GreyField& field, std::size_t rows, std::size_t columns) {
  return transposed(with_rows(transposed(with_rows(field, rows)), columns));
}

GreyField blurred(const GreyField& field, std::size_t radius) {
  if (radius == 0) return field;
  return transposed(blurred_down(transposed(blurred_down(field, radius)), radius));
}

GreyField widened(const GreyField& field, std::size_t radius) {
  return transposed(widened_down(transposed(widened_down(field, radius)), radius));
}

}  // namespace opaline
