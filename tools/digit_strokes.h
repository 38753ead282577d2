#pragma once

#include <cstddef>
#include <vector>

#include "opaline/model/training/seeded_random.h"

namespace opaline {

/// A point the pen goes through: x to the right, y down; a digit is about 0.6 wide and 1 high.
struct PenPoint {
  double x = 0;
  double y = 0;
  bool corner = false;  ///< the pen turns sharply here; elsewhere the line is smooth
};

/// What the pen draws without being lifted.
using PenStroke = std::vector<PenPoint>;

/// One of the ways people write a digit (0 … 9), as it stands in a copybook.
std::vector<PenStroke> choose_digit_strokes(std::size_t digit, SeededRandom& random);

}  // namespace opaline
