#pragma once

#include <cstddef>
#include <optional>

#include "opaline/bigint/pair_arithmetic.h"

namespace opaline {

/// The inverses of `count` elements, lane by lane, one after the other in memory: three products an element
/// and one inversion for every run of lanes with one modulus (Montgomery 1987). Nothing if any number is not
/// a unit. `_vartime`.
std::optional<WordVector> invert_batch_vartime(const PairArithmetic& arithmetic, const Word* elements,
                                               std::size_t count);

}  // namespace opaline
