#pragma once

#include "fuzz/mutator.h"

namespace opaline::fuzz {

/// Changes a protobuf message without knowing its schema: a value, which may be a message itself, or which
/// fields there are. What is no protobuf is changed blindly.
Bytes mutate_message(Bytes message, std::size_t limit, Mutator& mutator);

}  // namespace opaline::fuzz
