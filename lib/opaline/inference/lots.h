#pragma once

#include <algorithm>
#include <cstddef>

#include "opaline/packing/slot_layout.h"

namespace opaline {

/// Chunks that a client encrypts or decrypts together, so that threads and lanes find enough to do.
inline std::size_t client_lot(std::size_t ciphertexts_a_chunk) {
  constexpr std::size_t kCiphertexts = 1024;
  return std::max<std::size_t>(1, kCiphertexts / ciphertexts_a_chunk);
}

/// The most ciphertexts that a server evaluates together, unless one chunk has more: their tables have to fit
/// into the memory.
inline constexpr std::size_t kServerCiphertexts = 2048;

/// Chunks that a server evaluates together: replies for two elements a thread, of as many lanes as any
/// backend has, within kServerCiphertexts.
inline std::size_t server_lot(const SlotLayout& layout, std::size_t threads) {
  constexpr std::size_t kLanes = 8;
  return std::clamp<std::size_t>(2 * threads * kLanes / layout.replies(), 1,
                                 std::max<std::size_t>(1, kServerCiphertexts / layout.ciphertexts()));
}

}  // namespace opaline
