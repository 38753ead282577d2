#pragma once

#include <cstddef>
#include <cstdlib>

#include "opaline/base/sanitizers.h"
#include "opaline/bigint/words.h"

#if defined(OPALINE_ADDRESS_SANITIZER)
#include <sanitizer/asan_interface.h>
#elif defined(OPALINE_THREAD_SANITIZER)
extern "C" void __tsan_read_range(void* memory, unsigned long bytes);
extern "C" void __tsan_write_range(void* memory, unsigned long bytes);
#endif

namespace opaline {

/// What sanitizers are told of the words a kernel is about to read or write, since most programs under them
/// have kernels that are not instrumented themselves. Nothing in other builds.
inline void announce_read([[maybe_unused]] const Word* words, [[maybe_unused]] std::size_t count) {
#if defined(OPALINE_ADDRESS_SANITIZER)
  void* const forbidden = __asan_region_is_poisoned(const_cast<Word*>(words), count * sizeof(Word));
  if (forbidden != nullptr) {
    __asan_describe_address(forbidden);
    std::abort();
  }
#elif defined(OPALINE_THREAD_SANITIZER)
  __tsan_read_range(const_cast<Word*>(words), count * sizeof(Word));
#endif
}

inline void announce_write([[maybe_unused]] Word* words, [[maybe_unused]] std::size_t count) {
#if defined(OPALINE_THREAD_SANITIZER)
  __tsan_write_range(words, count * sizeof(Word));
#else
  announce_read(words, count);
#endif
}

}  // namespace opaline
