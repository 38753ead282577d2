#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <utility>

#include "opaline/base/bytes.h"

namespace opaline::fuzz {

/// Chance, and blind changes to bytes: what the mutators that know a format are made of.
class Mutator {
 public:
  /// Changes some bytes, which have at most `limit` afterwards: libFuzzer's own mutations, or blind_change.
  using Change = std::function<void(Bytes& bytes, std::size_t limit)>;

  Mutator(std::uint32_t seed, Change change) : random_(seed), change_(std::move(change)) {}

  std::size_t below(std::size_t count) { return random_() % count; }
  bool one_in(std::size_t count) { return below(count) == 0; }

  template <typename List>
  auto& one_of(List& list) {
    return list[below(std::size(list))];
  }

  /// Never leaves them empty.
  void change(Bytes& bytes, std::size_t limit) {
    change_(bytes, limit);
    if (bytes.empty()) bytes.push_back(static_cast<std::uint8_t>(below(256)));
  }

 private:
  std::minstd_rand random_;
  Change change_;
};

/// Bytes changed, inserted, removed or copied, as `random` has it: for where there is no libFuzzer.
Mutator::Change blind_change(std::uint32_t seed);

}  // namespace opaline::fuzz
