#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace opaline {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

/// Lower-case hexadecimal, two digits a byte.
std::string to_hex(ByteView bytes);

/// Unpadded base64url (RFC 4648, section 5).
std::string to_base64url(ByteView bytes);

/// Strict inverse of to_base64url: no padding, no white space, no stray bits.
/// Throws Error(damaged) on anything else.
Bytes from_base64url(std::string_view text);

/// Base64 with padding (RFC 4648, section 4), and its strict inverse: Error(damaged) on anything that
/// to_base64 would not write.
std::string to_base64(ByteView bytes);
Bytes from_base64(std::string_view text);

/// The bytes of a text, without a copy.
inline ByteView as_bytes(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

}  // namespace opaline
