#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "opaline/base/bytes.h"

namespace opaline {

/// What a frame holds: four letters.
using FrameKind = std::array<char, 4>;

/// The envelope of everything Opaline writes except keys and networks:
///
///     "OPAL"  kind (4 letters)  version (u32)  length (u64)  payload  SHA-256 of all that precedes it
///
/// with little-endian numbers. The payload is a protobuf message. The digest finds damage, not malice.
/// A file is one frame, or several in a row.
inline constexpr std::size_t kFrameOverhead = 4 + 4 + 4 + 8 + 32;

/// The frame around a payload.
Bytes make_frame(FrameKind kind, std::uint32_t version, ByteView payload);

/// Takes the first frame off `rest` and gives a view of its payload.
/// `name` (a file or a message) opens every error text. Throws Error(damaged) if the frame is not of that
/// kind, is truncated or altered; Error(unsupported_version) if the version differs; Error(too_large) if the
/// payload is longer than `limit` bytes.
ByteView take_frame(ByteView& rest, FrameKind kind, std::uint32_t version, std::size_t limit,
                    std::string_view name);

/// The kind of the first frame, or four zero bytes when there is none.
FrameKind peek_frame_kind(ByteView bytes);

}  // namespace opaline
