#pragma once

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <exception>
#include <mutex>
#include <numeric>
#include <vector>

#include "opaline/base/wiped_stack.h"

namespace opaline {

/// The exception of the lowest place, of those that threads met with, so that errors do not depend on which
/// thread was first.
class FirstFailure {
 public:
  /// Runs the action of a place; may be called from many threads.
  template <typename Action>
  void guard(std::size_t place, const Action& action) {
    try {
      action();
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (failure_ && place_ <= place) return;
      failure_ = std::current_exception();
      place_ = place;
    }
  }
  void rethrow() const {
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  std::mutex mutex_;
  std::size_t place_ = 0;
  std::exception_ptr failure_;
};

/// Runs action() in every thread of a team; on a secret stack each, if the caller is on one (wiped_stack.h).
template <typename Action>
void in_every_thread(const Action& action) {
  const bool secret = is_on_secret_stack();
  FirstFailure failure;
#pragma omp parallel default(none) shared(action, secret, failure)
  failure.guard(0, [&] {
    if (secret) {
      on_secret_stack(action);
    } else {
      action();
    }
  });
  failure.rethrow();
}

/// Runs body(i) for every i in [0, count), shared out over OpenMP's threads, in no fixed order. Of the
/// exceptions thrown that of the smallest i is thrown again here after all are done. The one level of
/// parallelism there is: called from inside itself it runs serially. On a secret stack, so is body.
template <typename Body>
void parallel_for(std::size_t count, const Body& body) {
  FirstFailure failure;
  std::atomic<std::size_t> next = 0;
  in_every_thread([&] {
    for (std::size_t i = next++; i < count; i = next++) failure.guard(i, [&] { body(i); });
  });
  failure.rethrow();
}

/// The same, and threads that find nothing left to do call idle(), which should take a fraction of a
/// millisecond, until all are done. With one thread idle() is never called.
template <typename Body, typename Idle>
void parallel_for(std::size_t count, const Body& body, const Idle& idle) {
  FirstFailure failure;
  std::atomic<std::size_t> next = 0;
  std::atomic<std::size_t> left = count;
  in_every_thread([&] {
    for (std::size_t i = next++; i < count; i = next++) {
      failure.guard(i, [&] { body(i); });
      --left;
    }
    while (left > 0) failure.guard(count, idle);
  });
  failure.rethrow();
}

struct Share {
  std::size_t first;
  std::size_t count;
};

/// Cuts [0, count) into shares of at most `most`, all of nearly one size and, where there is enough for it,
/// equally many a thread; of shares that are `parts` tasks each, tasks.
inline std::vector<Share> even_shares(std::size_t count, std::size_t most, std::size_t parts = 1) {
  const auto threads = static_cast<std::size_t>(omp_get_max_threads());
  const std::size_t multiple = threads / std::gcd(threads, parts);
  std::size_t shares = (count + most - 1) / most;
  // NOLINTNEXTLINE(clang-analyzer-core.DivideZero): there is always a thread
  shares = std::min((shares + multiple - 1) / multiple * multiple, count);
  std::vector<Share> cut;
  cut.reserve(shares);
  for (std::size_t i = 0; i < shares; ++i) {
    const std::size_t first = count * i / shares;
    cut.push_back({first, count * (i + 1) / shares - first});
  }
  return cut;
}

}  // namespace opaline
