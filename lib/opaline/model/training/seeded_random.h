#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

namespace opaline {

/// Numbers that look random and follow from a seed alone, for what has to be repeatable and is not secret:
/// shuffling, starting weights, drawn samples. Never for keys, noise or masks (base/random.h is for those).
/// The generator is splitmix64 (Steele, Lea, Flood, OOPSLA 2014).
class SeededRandom {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}

  /// 64 uniform bits.
  std::uint64_t next() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }

  /// Uniform in [0, 1), 53 bits.
  double uniform() { return static_cast<double>(next() >> 11U) * 0x1p-53; }

  /// Uniform in [lowest, highest).
  double uniform(double lowest, double highest) { return lowest + (highest - lowest) * uniform(); }

  /// Uniform in [0, count), without bias; count > 0.
  std::size_t below(std::size_t count) {
    const std::uint64_t surplus = (0 - std::uint64_t{count}) % count;  // 2^64 mod count
    std::uint64_t draw = next();
    while (draw < surplus) draw = next();
    return static_cast<std::size_t>(draw % count);
  }

  /// Puts the elements in random order (Fisher, Yates).
  template <typename Sequence>
  void shuffle(Sequence& sequence) {
    using std::swap;
    for (std::size_t i = sequence.size(); i > 1; --i) swap(sequence[i - 1], sequence[below(i)]);
  }

 private:
  std::uint64_t state_;
};

}  // namespace opaline
