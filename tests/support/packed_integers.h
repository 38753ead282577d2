#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "opaline/bigint/integer.h"
#include "opaline/packing/slot_layout.h"

namespace opaline::test {

/// SlotLayout::pack and unpack of plaintexts as integers; negative ones are residues modulo 2^8192 − 1, for
/// keys of every size that is tested.
inline Integer pack_integer(const SlotLayout& layout, std::size_t ciphertext,
                            std::span<const std::vector<std::int64_t>> images) {
  WordVector words(layout.words());
  layout.pack(words, ciphertext, images);
  return from_words(words);
}

inline std::vector<std::vector<std::int64_t>> unpack_integer(const SlotLayout& layout, std::size_t reply,
                                                             const Integer& plaintext, std::size_t count) {
  WordVector words(8192 / 64);
  to_words(floor_mod(plaintext, (Integer(1) << 8192U) - 1), words);
  return layout.unpack(reply, words, count);
}

}  // namespace opaline::test
