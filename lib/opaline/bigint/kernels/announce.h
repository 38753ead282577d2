#pragma once

#include <cstddef>

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
inline void announce([[maybe_unused]] Word* words, [[maybe_unused]] std::size_t count,
                     [[maybe_unused]] bool written) {
#if defined(OPALINE_ADDRESS_SANITIZER)
  void* const forbidden = __asan_region_is_poisoned(words, count * sizeof(Word));
  if (forbidden == nullptr) return;
  void* const frame = __builtin_frame_address(0);
  __asan_report_error(__builtin_return_address(0), frame, frame, forbidden, written ? 1 : 0, sizeof(Word));
#elif defined(OPALINE_THREAD_SANITIZER)
  (written ? __tsan_write_range : __tsan_read_range)(words, count * sizeof(Word));
#endif
}

inline void announce_read(const Word* words, std::size_t count) {
  announce(const_cast<Word*>(words), count, false);
}
inline void announce_write(Word* words, std::size_t count) { announce(words, count, true); }

}  // namespace opaline
