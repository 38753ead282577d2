#pragma once

#include <omp.h>

#include <cstddef>
#include <memory>

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

/// One modulus in every lane, for elements of the backend's lanes and for narrower ones where these are
/// quicker (quick_backend): few numbers leave fewer lanes empty, and more threads find work.
class LaneWidths {
 public:
  LaneWidths(const Backend& backend, const Integer& modulus) : wide_(uniform_arithmetic(backend, modulus)) {
    const Backend& quick = quick_backend(backend);
    if (&quick != &backend) narrow_ = uniform_arithmetic(quick, modulus);
  }

  const PairArithmetic& wide() const { return *wide_; }
  const PairArithmetic& narrow() const { return narrow_ ? *narrow_ : *wide_; }

  /// The one that is done first with so many numbers.
  const PairArithmetic& for_numbers(std::size_t numbers) const {
    return narrow_is_sooner(numbers, wide().lanes(), narrow().lanes()) ? narrow() : wide();
  }

 private:
  std::unique_ptr<const PairArithmetic> wide_;
  std::unique_ptr<const PairArithmetic> narrow_;
};

}  // namespace opaline
