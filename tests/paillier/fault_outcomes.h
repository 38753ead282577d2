#pragma once

#include <cstddef>

namespace opaline::test {

/// What becomes of parties with one bit turned over: nothing given out, or what is right.
struct FaultOutcomes {
  std::size_t refused = 0;
  std::size_t right = 0;
};

}  // namespace opaline::test
