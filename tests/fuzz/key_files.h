#pragma once

#include "fuzz/mutator.h"

namespace opaline::fuzz {

/// Changes a key file, public or secret: its text, its members, or its numbers, with the fingerprint and n
/// made to fit again.
Bytes mutate_key_file(Bytes file, std::size_t limit, Mutator& mutator);

}  // namespace opaline::fuzz
