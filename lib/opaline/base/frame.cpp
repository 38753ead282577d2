#include "opaline/base/frame.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "opaline/base/error.h"
#include "opaline/base/sha256.h"

namespace opaline {
namespace {

constexpr std::array<std::uint8_t, 4> kMagic = {'O', 'P', 'A', 'L'};
constexpr std::size_t kHeader = 4 + 4 + 4 + 8;

template <typename Number>
void put_little_endian(std::uint8_t* out, Number value) {
  for (std::size_t i = 0; i < sizeof(Number); ++i) out[i] = static_cast<std::uint8_t>(value >> (8 * i));
}

template <typename Number>
Number little_endian(ByteView bytes) {
  Number value = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i) value |= static_cast<Number>(bytes[i]) << (8 * i);
  return value;
}

[[noreturn]] void refuse(ErrorKind kind, std::string_view name, const std::string& why) {
  throw Error(kind, std::string(name) + ": " + why);
}

}  // namespace

Bytes make_frame(FrameKind kind, std::uint32_t version, ByteView payload) {
  Bytes frame(kFrameOverhead + payload.size());
  std::copy(kMagic.begin(), kMagic.end(), frame.begin());
  std::copy(kind.begin(), kind.end(), frame.begin() + 4);
  put_little_endian(frame.data() + 8, version);
  put_little_endian(frame.data() + 12, static_cast<std::uint64_t>(payload.size()));
  std::copy(payload.begin(), payload.end(), frame.begin() + kHeader);
  const Digest digest = sha256(ByteView(frame).first(kHeader + payload.size()));
  std::copy(digest.begin(), digest.end(), frame.end() - sizeof(Digest));
  return frame;
}

ByteView take_frame(ByteView& rest, FrameKind kind, std::uint32_t version, std::size_t limit,
                    std::string_view name) {
  const std::string expected(kind.begin(), kind.end());
  if (rest.size() < kHeader || !std::equal(kMagic.begin(), kMagic.end(), rest.begin())) {
    refuse(ErrorKind::damaged, name, "not an Opaline file, or truncated (no " + expected + " frame here)");
  }
  const std::string found(reinterpret_cast<const char*>(rest.data()) + 4, 4);
  if (found != expected) refuse(ErrorKind::damaged, name, "expected a " + expected + " frame, found another kind");
  const auto found_version = little_endian<std::uint32_t>(rest.subspan(8));
  if (found_version != version) {
    refuse(ErrorKind::unsupported_version, name,
           "format version " + std::to_string(found_version) + ", this program reads version " +
               std::to_string(version));
  }
  const auto length = little_endian<std::uint64_t>(rest.subspan(12));
  if (length > limit) {
    refuse(ErrorKind::too_large, name,
           "claims a payload of " + std::to_string(length) + " bytes, at most " + std::to_string(limit) +
               " are accepted");
  }
  if (length > rest.size() - kHeader || rest.size() - kHeader - length < sizeof(Digest)) {
    refuse(ErrorKind::damaged, name, "truncated");
  }
  const std::size_t signed_bytes = kHeader + static_cast<std::size_t>(length);
  const Digest digest = sha256(rest.first(signed_bytes));
  if (!std::equal(digest.begin(), digest.end(), rest.begin() + static_cast<std::ptrdiff_t>(signed_bytes))) {
    refuse(ErrorKind::damaged, name, "altered or damaged (its checksum does not match)");
  }
  const ByteView payload = rest.subspan(kHeader, static_cast<std::size_t>(length));
  rest = rest.subspan(signed_bytes + sizeof(Digest));
  return payload;
}

FrameKind peek_frame_kind(ByteView bytes) {
  FrameKind kind{};
  if (bytes.size() >= 8 && std::equal(kMagic.begin(), kMagic.end(), bytes.begin())) {
    std::memcpy(kind.data(), bytes.data() + 4, kind.size());
  }
  return kind;
}

}  // namespace opaline
