#pragma once

#include <cstdint>
#include <vector>

namespace opaline::test {

/// One measurement each: which of two classes of inputs, and how long it took.
struct Timing {
  bool fixed;
  std::uint64_t cycles;
};

/// Welch's t between the classes, the largest in magnitude over all measurements and over those below each of
/// some percentiles, where interrupts do not hide a difference (Reparaz, Balasch, Verbauwhede: "Dude, is my
/// code constant time?", 2017).
double largest_t(std::vector<Timing> timings);

}  // namespace opaline::test
