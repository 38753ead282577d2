#pragma once

#include <cstddef>

namespace opaline::test {

/// Looks at one block of memory at the moment it is given back to the system.
struct ReleasedMemory {
  const void* block = nullptr;
  std::size_t bytes = 0;
  bool released = false;
  bool zero = false;  ///< every byte of it, then
};

/// The block that is looked at; put one in.
ReleasedMemory& watched_memory();

}  // namespace opaline::test
