#pragma once

#include <omp.h>

#include <cstddef>
#include <exception>

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

}  // namespace opaline
