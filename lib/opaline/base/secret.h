#pragma once

#include <string.h>  // NOLINT(modernize-deprecated-headers): explicit_bzero is glibc's

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#include "opaline/base/secret_heap.h"

namespace opaline {

/// Overwrites memory in a way the compiler may not remove.
inline void wipe(void* memory, std::size_t bytes) noexcept {
  if (bytes > 0) ::explicit_bzero(memory, bytes);
}

/// An allocator whose memory is wiped before it is given back and left out of core dumps (secret_heap.h). It
/// is aligned to 64 bytes, which is what vector kernels want of their operands.
template <typename T>
struct WipingAllocator {
  using value_type = T;

  WipingAllocator() = default;
  template <typename U>
  explicit WipingAllocator(const WipingAllocator<U>& /*other*/) noexcept {}

  T* allocate(std::size_t count) {
    if (count > PTRDIFF_MAX / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(allocate_secret(count * sizeof(T)));
  }
  void deallocate(T* memory, std::size_t count) noexcept {
    wipe(memory, count * sizeof(T));
    free_secret(memory, count * sizeof(T));
  }
  friend bool operator==(const WipingAllocator& /*a*/, const WipingAllocator& /*b*/) { return true; }
};

/// A vector for secrets: wiped when it is destroyed and when it grows.
template <typename T>
using SecretVector = std::vector<T, WipingAllocator<T>>;
using SecretBytes = SecretVector<std::uint8_t>;

}  // namespace opaline
