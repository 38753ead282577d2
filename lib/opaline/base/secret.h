#pragma once

#include <string.h>  // NOLINT(modernize-deprecated-headers): explicit_bzero is glibc's

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace opaline {

/// Overwrites memory in a way the compiler may not remove.
inline void wipe(void* memory, std::size_t bytes) noexcept { ::explicit_bzero(memory, bytes); }

/// An allocator whose memory is wiped before it is given back.
template <typename T>
struct WipingAllocator {
  using value_type = T;

  WipingAllocator() = default;
  template <typename U>
  explicit WipingAllocator(const WipingAllocator<U>& /*other*/) noexcept {}

  T* allocate(std::size_t count) { return std::allocator<T>().allocate(count); }
  void deallocate(T* memory, std::size_t count) noexcept {
    wipe(memory, count * sizeof(T));
    std::allocator<T>().deallocate(memory, count);
  }
  friend bool operator==(const WipingAllocator& /*a*/, const WipingAllocator& /*b*/) { return true; }
};

/// A vector for secrets: wiped when it is destroyed and when it grows.
template <typename T>
using SecretVector = std::vector<T, WipingAllocator<T>>;
using SecretBytes = SecretVector<std::uint8_t>;

}  // namespace opaline
