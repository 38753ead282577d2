#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>

#include "opaline/base/bytes.h"

namespace opaline {

using Digest = std::array<std::uint8_t, 32>;

/// SHA-256 of the parts one after the other (FIPS 180-4; OpenSSL's implementation).
Digest sha256(std::initializer_list<ByteView> parts);

inline Digest sha256(ByteView bytes) { return sha256({bytes}); }

}  // namespace opaline
