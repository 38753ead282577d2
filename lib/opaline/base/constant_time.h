#pragma once

#include <cstddef>
#include <span>

namespace opaline {

/// For the checks of constant time (tests/constant_time): memory that is marked secret may be calculated
/// with, but a branch or an address that depends on it is reported by valgrind's memcheck, or by the memory
/// sanitizer in a build with it. Anywhere else these do nothing. (Langley's ctgrind.)
void mark_secret(const void* memory, std::size_t bytes) noexcept;

/// What may be known from here on: a result that is given away, or a check that a valid key always passes.
void declassify(const void* memory, std::size_t bytes) noexcept;

template <typename T>
T declassified(T value) noexcept {
  declassify(&value, sizeof(value));
  return value;
}

template <typename T, std::size_t n>
void mark_secret(std::span<T, n> values) noexcept {
  mark_secret(values.data(), values.size_bytes());
}

template <typename T, std::size_t n>
void declassify(std::span<T, n> values) noexcept {
  declassify(values.data(), values.size_bytes());
}

}  // namespace opaline
