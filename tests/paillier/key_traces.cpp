#include "key_traces.h"

#include <algorithm>
#include <cstring>
#include <sstream>

#include "opaline/base/secret_base64.h"
#include "opaline/base/wiped_stack.h"
#include "support/memory_map.h"

namespace opaline::test {
namespace {

constexpr std::uint64_t kDisguise = 0x5ac35ac3a5a53c3c;
constexpr std::size_t kFilter = std::size_t{1} << 20;

SecretBytes big_endian(std::span<const Word> words) {
  SecretBytes bytes;
  for (std::size_t i = words.size(); i-- > 0;) {
    for (int shift = 56; shift >= 0; shift -= 8)
      bytes.push_back(static_cast<std::uint8_t>(words[i] >> shift));
  }
  return bytes;
}

/// As the vector kernels hold numbers; limbs of less than 44 bits could be anything.
WordVector limbs_of_52_bits(std::span<const Word> words) {
  WordVector limbs;
  for (std::size_t bit = 0; bit < 64 * words.size(); bit += 52) {
    const std::size_t at = bit / 64;
    const std::size_t shift = bit % 64;
    Word limb = words[at] >> shift;
    if (shift > 12 && at + 1 < words.size()) limb |= words[at + 1] << (64 - shift);
    limb &= (Word{1} << 52) - 1;
    if (limb >> 44 != 0) limbs.push_back(limb);
  }
  return limbs;
}

std::uint64_t word_at(const std::uint8_t* bytes) {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, sizeof(word));
  return word;
}

}  // namespace

KeyTraces::KeyTraces(const SecretKey& key) : may_be_one_(kFilter) {
  // Nothing of the key is to be left on a stack by looking for it.
  run_in_secret_thread([&] {
    WordVector square(2 * key.p().words().size());
    multiply(square, key.p().words(), key.p().words());
    for (const std::span<const Word> secret : {key.p().words(), key.q().words(), key.generator_p()->h.words(),
                                               key.generator_q()->h.words(), std::span<const Word>(square)}) {
      for (const Word word : secret) add(word);
      for (const Word limb : limbs_of_52_bits(secret)) add(limb);
      const SecretBytes bytes = big_endian(secret);
      const SecretBytes text = encode_secret_base64url(bytes);
      for (std::size_t i = 0; i + 8 <= bytes.size(); ++i) add(word_at(bytes.data() + i));
      for (std::size_t i = 0; i + 8 <= text.size(); ++i) add(word_at(text.data() + i));
    }
    std::sort(hidden_.begin(), hidden_.end());
  });
}

void KeyTraces::add(std::uint64_t word) {
  hidden_.push_back(word ^ kDisguise);
  may_be_one_[(word ^ kDisguise) % kFilter] = 1;
}

bool KeyTraces::is_trace(std::uint64_t word) const {
  const std::uint64_t hidden = word ^ kDisguise;
  return may_be_one_[hidden % kFilter] != 0 && std::binary_search(hidden_.begin(), hidden_.end(), hidden);
}

KeyTraces::Found KeyTraces::search() const {
  Found found;
  const MemoryMap map;
  for (const MemoryMap::Region& region : map.regions()) {
    if (!region.writable) continue;  // the files a program is made of
    const auto* const first = reinterpret_cast<const std::uint8_t*>(region.first);
    const std::size_t size = region.end - region.first;
    for (std::size_t at = 0; at + 8 <= size; ++at) {
      if (!is_trace(word_at(first + at))) continue;
      if (region.left_out_of_dumps) {
        ++found.left_out_of_dumps;
      } else if (found.in_dumps.size() < 12) {
        std::ostringstream line;
        line << "at " << std::hex << region.first + at << " in "
             << (region.name.empty() ? "memory" : region.name);
        found.in_dumps.push_back(line.str());
      }
    }
  }
  return found;
}

}  // namespace opaline::test
