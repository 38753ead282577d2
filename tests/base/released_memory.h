#pragma once

#include <cstddef>

namespace opaline::test {

/// Looks at one block of memory of secrets at the moment it is given back.
struct ReleasedMemory {
  const void* block = nullptr;
  std::size_t bytes = 0;
  bool released = false;
  bool whole = false;  ///< of the size it was taken in
  bool zero = false;   ///< every byte of it, then
};

/// The block that is looked at; put one in.
ReleasedMemory& watched_memory();

}  // namespace opaline::test
