#pragma once

#include "opaline/bigint/backend.h"

namespace opaline {

/// One lane, 64-bit limbs, GMP's mpn functions: runs everywhere GMP does.
const Backend& portable_backend();

}  // namespace opaline
