#pragma once

#include "opaline/base/sanitizers.h"

namespace opaline::test {

/// Whether this is a build with a sanitizer that keeps its own books of stacks and heaps.
#ifdef OPALINE_SANITIZED
inline constexpr bool kSanitized = true;
#else
inline constexpr bool kSanitized = false;
#endif

}  // namespace opaline::test
