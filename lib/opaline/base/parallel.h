#pragma once

#include <omp.h>

#include <algorithm>
#include <cstddef>
#include <exception>
#include <vector>

namespace opaline {

/// Runs body(i) for every i in [0, count), shared out over OpenMP's threads, in no fixed order. The first
/// exception thrown is thrown again here after all have stopped. The one level of parallelism there is:
/// called from inside itself it runs serially.
template <typename Body>
void parallel_for(std::size_t count, const Body& body) {
  std::exception_ptr failure;
#pragma omp parallel for schedule(dynamic) default(none) shared(count, body, failure)
  for (std::size_t i = 0; i < count; ++i) {
    try {
      body(i);
    } catch (...) {
#pragma omp critical(opaline_parallel_for)
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) std::rethrow_exception(failure);
}

struct Share {
  std::size_t first;
  std::size_t count;
};

/// Cuts [0, count) into shares of at most `most`, all of nearly one size and, where there is enough for it,
/// equally many a thread.
inline std::vector<Share> even_shares(std::size_t count, std::size_t most) {
  const auto threads = static_cast<std::size_t>(omp_get_max_threads());
  std::size_t shares = (count + most - 1) / most;
  shares = std::min((shares + threads - 1) / threads * threads, count);
  std::vector<Share> cut;
  cut.reserve(shares);
  for (std::size_t i = 0; i < shares; ++i) {
    const std::size_t first = count * i / shares;
    cut.push_back({first, count * (i + 1) / shares - first});
  }
  return cut;
}

}  // namespace opaline
