#pragma once

#include <cstdint>
#include <span>

namespace opaline {

/// Fills the buffer with random bytes from the operating system's generator (getrandom(2)), the only source
/// of randomness there is. Throws Error(io) if the system has none to give; never returns less than asked.
/// Safe from any thread and after fork.
void fill_random(std::span<std::uint8_t> buffer);

}  // namespace opaline
