#include "released_memory.h"

#include <algorithm>
#include <cstdlib>
#include <new>

namespace opaline::test {

ReleasedMemory& watched_memory() {
  static ReleasedMemory memory;
  return memory;
}

}  // namespace opaline::test

// The forms for aligned memory, which nothing but WipingAllocator uses in this program.

void* operator new(std::size_t bytes, std::align_val_t alignment) {
  const auto unit = static_cast<std::size_t>(alignment);
  void* const block = std::aligned_alloc(unit, (bytes + unit - 1) / unit * unit);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void operator delete(void* block, std::align_val_t /*alignment*/) noexcept {
  auto& watched = opaline::test::watched_memory();
  if (block != nullptr && block == watched.block && !watched.released) {
    const auto* const content = static_cast<const unsigned char*>(block);
    watched.released = true;
    watched.zero =
        std::all_of(content, content + watched.bytes, [](unsigned char byte) { return byte == 0; });
  }
  std::free(block);
}

void operator delete(void* block, std::size_t /*bytes*/, std::align_val_t alignment) noexcept {
  ::operator delete(block, alignment);
}
