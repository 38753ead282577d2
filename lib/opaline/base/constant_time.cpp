#include "opaline/base/constant_time.h"

#include "opaline/base/sanitizers.h"

#ifdef OPALINE_MEMORY_SANITIZER
#include <sanitizer/msan_interface.h>
#elif __has_include(<valgrind/memcheck.h>)
#include <valgrind/memcheck.h>
#endif

namespace opaline {

void mark_secret([[maybe_unused]] const void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef OPALINE_MEMORY_SANITIZER
  __msan_poison(memory, bytes);
#elif defined(VALGRIND_MAKE_MEM_UNDEFINED)
  (void)VALGRIND_MAKE_MEM_UNDEFINED(memory, bytes);
#endif
}

void declassify([[maybe_unused]] const void* memory, [[maybe_unused]] std::size_t bytes) noexcept {
#ifdef OPALINE_MEMORY_SANITIZER
  __msan_unpoison(memory, bytes);
#elif defined(VALGRIND_MAKE_MEM_DEFINED)
  (void)VALGRIND_MAKE_MEM_DEFINED(memory, bytes);
#endif
}

}  // namespace opaline
