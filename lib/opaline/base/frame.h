#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "opaline/base/bytes.h"

namespace opaline {

/// What a frame holds: four letters.
using FrameKind = std::array<char, 4>;

/// The envelope of everything Opaline writes except keys and networks:
///
///     "OPAL"  kind (4 letters)  version (u32)  length (u64)  payload  SHA-256 of all that precedes it
///
/// with little-endian numbers. The payload is a protobuf message. The digest finds damage, not malice; it
/// may begin with a context that is not written, such as the digest of another frame that this one belongs
/// to. A file is one frame, or several in a row.
inline constexpr std::size_t kFrameOverhead = 4 + 4 + 4 + 8 + 32;

/// The frame around a payload.
Bytes make_frame(FrameKind kind, std::uint32_t version, ByteView payload, ByteView context = {});

/// Reads frames one after the other from a message in memory or from a file, which is never held whole.
class FrameReader {
 public:
  /// `name` opens every error text; `message` must outlive the reader.
  FrameReader(ByteView message, std::string name);

  /// Opens a regular file; Error(io) names it.
  explicit FrameReader(const std::filesystem::path& path);

  FrameReader(FrameReader&&) noexcept;
  FrameReader& operator=(FrameReader&&) noexcept;
  ~FrameReader();

  const std::string& name() const { return name_; }

  /// The payload of the next frame. Throws Error(damaged) if the frame is of another kind, truncated or
  /// altered, or was made in another context; Error(unsupported_version) if the version differs;
  /// Error(too_large), before taking memory, if the payload is longer than `limit` bytes.
  Bytes next(FrameKind kind, std::uint32_t version, std::size_t limit, ByteView context = {});

  /// Throws Error(damaged) unless everything has been read.
  void expect_end();

 private:
  class Source;
  class MemorySource;
  class FileSource;
  std::unique_ptr<Source> source_;
  std::string name_;
};

/// The kind of the first frame, or four zero bytes when there is none.
FrameKind peek_frame_kind(ByteView bytes);

}  // namespace opaline
