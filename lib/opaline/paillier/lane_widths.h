#pragma once

#include <omp.h>

#include <algorithm>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "opaline/bigint/backend.h"
#include "opaline/bigint/pair_arithmetic.h"

namespace opaline {

/// Whether threads are sooner done with so many numbers in narrow elements, where an element takes as long as
/// it has lanes, and a tenth more if it is narrow.
inline bool narrow_is_sooner(std::size_t numbers, std::size_t wide_lanes, std::size_t narrow_lanes) {
  const auto threads = static_cast<std::size_t>(omp_get_max_threads());
  const auto rounds = [&](std::size_t lanes) {
    const std::size_t elements = (numbers + lanes - 1) / lanes;
    return (elements + threads - 1) / threads * lanes;
  };
  return 11 * rounds(narrow_lanes) < 10 * rounds(wide_lanes);
}

enum class LaneWidth { wide, narrow };

/// One modulus in every lane, for elements of the backend's lanes and for narrower ones where these are
/// quicker (quick_backend): few numbers leave fewer lanes empty, and more threads find work.
class LaneWidths {
 public:
  LaneWidths(const Backend& backend, const Integer& modulus)
      : backend_(&backend), quick_(&quick_backend(backend)), wide_(uniform_arithmetic(backend, modulus)) {
    if (quick_ != backend_) narrow_ = uniform_arithmetic(*quick_, modulus);
  }

  const PairArithmetic& wide() const { return *wide_; }
  const PairArithmetic& narrow() const { return narrow_ ? *narrow_ : *wide_; }
  const PairArithmetic& of(LaneWidth width) const { return width == LaneWidth::wide ? wide() : narrow(); }
  const Backend& backend(LaneWidth width) const { return width == LaneWidth::wide ? *backend_ : *quick_; }

  /// The one that is done first with so many numbers.
  LaneWidth for_numbers(std::size_t numbers) const {
    return narrow_is_sooner(numbers, wide().lanes(), narrow().lanes()) ? LaneWidth::narrow : LaneWidth::wide;
  }

  /// Whether numbers of both can lie in one element: those of one backend and of moduli of one length.
  bool goes_with(const LaneWidths& other) const {
    return backend_ == other.backend_ && bits() == other.bits();
  }
  std::size_t bits() const { return bit_length(wide_->modulus(0)); }

 private:
  const Backend* backend_;
  const Backend* quick_;
  std::unique_ptr<const PairArithmetic> wide_;
  std::unique_ptr<const PairArithmetic> narrow_;
};

/// Arithmetic for one element whose lanes hold numbers of keys that go with each other: that of the key where
/// it is one in all lanes, or else one made for these lanes, which takes as long as a dozen products.
class MixedLanes {
 public:
  MixedLanes(std::span<const LaneWidths* const> lanes, LaneWidth width) {
    const auto same = [&](const LaneWidths* lane) { return lane == lanes.front(); };
    if (std::all_of(lanes.begin(), lanes.end(), same)) {
      arithmetic_ = &lanes.front()->of(width);
      return;
    }
    std::vector<Integer> moduli;
    moduli.reserve(lanes.size());
    for (const LaneWidths* const lane : lanes) moduli.push_back(lane->wide().modulus(0));
    made_ = lanes.front()->backend(width).pair_arithmetic(moduli);
    arithmetic_ = made_.get();
  }

  bool is_mixed() const { return made_ != nullptr; }
  const PairArithmetic& operator*() const { return *arithmetic_; }
  const PairArithmetic* operator->() const { return arithmetic_; }

 private:
  std::unique_ptr<const PairArithmetic> made_;
  const PairArithmetic* arithmetic_ = nullptr;
};

}  // namespace opaline
