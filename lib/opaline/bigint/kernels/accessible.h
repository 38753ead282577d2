#pragma once

#include <cstddef>

#include "opaline/base/sanitizers.h"
#include "opaline/bigint/words.h"

#ifdef OPALINE_ADDRESS_SANITIZER
#include <sanitizer/asan_interface.h>
#endif

namespace opaline {

/// Whether a kernel may use these words; only an address sanitizer knows, everything else says yes. Asserted
/// where kernels are called, since most programs under sanitizers have kernels that are not instrumented
/// themselves.
inline bool is_accessible([[maybe_unused]] const Word* words, [[maybe_unused]] std::size_t count) {
#ifdef OPALINE_ADDRESS_SANITIZER
  return __asan_region_is_poisoned(const_cast<Word*>(words), count * sizeof(Word)) == nullptr;
#else
  return true;
#endif
}

}  // namespace opaline
