#pragma once

#include <cstddef>
#include <span>

#include "opaline/bigint/divider.h"

namespace opaline {

/// What brings numbers into Montgomery form: R² mod m² = a + b·m for R = 2^radix_bits, m the divider's
/// divisor, 2^radix_bits ≥ m. halves = a, then b, of m.size() words each. By doublings, in time that depends
/// on sizes only.
void radix_square(std::span<Word> halves, const Divider& divider, std::span<const Word> m,
                  std::size_t radix_bits);

}  // namespace opaline
