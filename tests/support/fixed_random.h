#pragma once

#include <cstdint>

namespace opaline::test {

/// Begins the repeatable sequence that takes the place of the system's randomness in a program that is linked
/// with fixed_random.cpp.
void restart_random(std::uint64_t seed);

}  // namespace opaline::test
