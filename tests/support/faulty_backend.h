#pragma once

#include <atomic>
#include <cstddef>

#include "support/watched_backend.h"

namespace opaline::test {

/// A backend that turns over one bit of one result, when and where it is told to: of a product, an entry of a
/// table, a loaded or stored number, in whatever lane. In a debug build not of sums and of the tables they
/// are made from, since that build checks the bounds of sums and would end the test.
class FaultyBackend {
 public:
  explicit FaultyBackend(const Backend& base)
      : backend_(base, [this](Operation operation, std::span<Word> result) { pass(operation, result); }) {}

  const Backend& backend() const { return backend_; }

  /// The result number `result` from now on, counted from 0 in the order in which they are made, which is one
  /// and the same with one thread; bit number `bit` of it, counted around if it has not so many.
  void strike(std::size_t result, std::size_t bit) {
    bit_ = bit;
    results_ = 0;
    result_ = result;
  }

  /// No fault from now on.
  void calm() { strike(kNever, 0); }

  /// How many results there were since.
  std::size_t results() const { return results_; }
  bool has_struck() const { return results_ > result_; }

 private:
  static constexpr std::size_t kNever = ~std::size_t{0};

  static bool ends_debug_builds(Operation operation) {
#ifdef NDEBUG
    static_cast<void>(operation);
    return false;
#else
    return operation == Operation::compact || operation == Operation::select_compact ||
           operation == Operation::add_halves;
#endif
  }

  void pass(Operation operation, std::span<Word> result) {
    if (results_++ != result_ || ends_debug_builds(operation)) return;
    const std::size_t bit = bit_ % (64 * result.size());
    result[bit / 64] ^= Word{1} << (bit % 64);
  }

  std::atomic<std::size_t> result_ = kNever;
  std::atomic<std::size_t> bit_ = 0;
  std::atomic<std::size_t> results_ = 0;
  WatchedBackend backend_;
};

}  // namespace opaline::test
