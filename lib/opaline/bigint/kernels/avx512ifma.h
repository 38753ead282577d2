#pragma once

#include "opaline/bigint/backend.h"

namespace opaline {

/// Eight lanes of 52-bit limbs on AVX-512 IFMA. Present in every build; supported() where it was compiled
/// (x86-64) and the processor and the operating system have the instructions (CPUID and XGETBV).
const Backend& avx512ifma_backend();

}  // namespace opaline
