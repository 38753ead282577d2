#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

#include "opaline/bigint/pair_arithmetic.h"

namespace opaline {

/// An implementation of PairArithmetic. Backends differ in speed only: given the same numbers they give the
/// same numbers.
class Backend {
 public:
  Backend(const Backend&) = delete;
  Backend& operator=(const Backend&) = delete;
  virtual ~Backend() = default;

  virtual std::string_view name() const = 0;
  virtual std::string_view description() const = 0;
  virtual bool supported() const = 0;  ///< by this machine
  virtual std::size_t lanes() const = 0;

  /// The same with half the lanes, where a processor can do that in half the time: for few numbers, or for
  /// more threads than elements. Itself if there is no such. Numbers kept on their own are the same for both.
  virtual const Backend& narrower() const { return *this; }

  /// Arithmetic for one modulus a lane: `lanes()` odd moduli of 2 … 8192 bits, all of the same bit length,
  /// which is public, in the words that these bits need. Constant-time in the moduli. Error(invalid_argument)
  /// for others.
  std::unique_ptr<const PairArithmetic> pair_arithmetic(std::span<const std::span<const Word>> moduli) const;

  /// The same for moduli that may be known.
  std::unique_ptr<const PairArithmetic> pair_arithmetic(std::span<const Integer> moduli) const;

 protected:
  Backend() = default;

  /// For moduli that were checked.
  virtual std::unique_ptr<const PairArithmetic> make_arithmetic(
      std::span<const std::span<const Word>> moduli) const = 0;
};

/// Every backend of this build, fastest first, whether this machine supports it or not.
std::span<const Backend* const> backends();

/// The backend of that name; "auto" is the first supported one. Error(unsupported_backend), listing what
/// there is, for an unknown name or one this machine lacks: never a silent fallback.
const Backend& backend(std::string_view name);

/// What the environment variable OPALINE_BACKEND names, "auto" if it is unset or empty.
const Backend& default_backend();

/// backend.narrower() if this processor takes well under the time for its elements, measured once; else the
/// backend itself.
const Backend& quick_backend(const Backend& backend);

/// Arithmetic with one modulus in every lane, constant-time in the modulus in the first form.
std::unique_ptr<const PairArithmetic> uniform_arithmetic(const Backend& backend,
                                                         std::span<const Word> modulus);
std::unique_ptr<const PairArithmetic> uniform_arithmetic(const Backend& backend, const Integer& modulus);

}  // namespace opaline
