#include "released_memory.h"

#include <algorithm>
#include <cstdlib>
#include <new>

#include "opaline/base/secret_heap.h"

namespace opaline {
namespace test {

ReleasedMemory& watched_memory() {
  static ReleasedMemory memory;
  return memory;
}

}  // namespace test

// Defined in the program itself, these are linked in place of the library's object file of that name.

void* allocate_secret(std::size_t bytes) {
  constexpr std::size_t kUnit = 64;
  void* const block =
      std::aligned_alloc(kUnit, (std::max<std::size_t>(bytes, 1) + kUnit - 1) / kUnit * kUnit);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}

void free_secret(void* block, std::size_t bytes) noexcept {
  auto& watched = test::watched_memory();
  if (block != nullptr && block == watched.block && !watched.released) {
    const auto* const content = static_cast<const unsigned char*>(block);
    watched.released = true;
    watched.whole = bytes == watched.bytes;
    watched.zero =
        std::all_of(content, content + watched.bytes, [](unsigned char byte) { return byte == 0; });
  }
  std::free(block);
}

}  // namespace opaline
