#pragma once

#include <cstddef>
#include <optional>

#include "opaline/base/bytes.h"

namespace opaline::fuzz {

/// What deflate streams are wrapped in.
enum class Wrapping { gzip, zlib };

Bytes deflated(ByteView plain, Wrapping wrapping);

/// Nothing if it is no such stream or comes to more than `limit` bytes.
std::optional<Bytes> inflated(ByteView packed, Wrapping wrapping, std::size_t limit);

}  // namespace opaline::fuzz
