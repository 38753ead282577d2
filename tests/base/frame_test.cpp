#include "opaline/base/frame.h"

#include <catch2/catch.hpp>
#include <cstring>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "opaline/base/file.h"
#include "opaline/base/sha256.h"
#include "support/error_kind.h"
#include "support/temporary_folder.h"

using namespace opaline;
using opaline::test::error_of;
using opaline::test::kind_of;
using opaline::test::TemporaryFolder;

namespace {

constexpr FrameKind kKind = {'T', 'E', 'S', 'T'};
constexpr std::uint32_t kVersion = 3;
constexpr std::size_t kLimit = 1000;
constexpr std::size_t kLengthAt = 12;
constexpr std::size_t kPayloadAt = 20;

/// What reading one frame and nothing behind it comes to, from memory and from a file: the two must agree.
class Reading {
 public:
  std::optional<ErrorKind> refused(const Bytes& message, std::size_t limit = kLimit) {
    const auto from_memory = kind_of([&] { read(FrameReader(message, "message"), limit); });
    write_file(folder_ / "frame", message, FileMode::everyone);
    const auto from_file = kind_of([&] { read(FrameReader(folder_ / "frame"), limit); });
    if (from_memory != from_file) FAIL("memory and file differ");
    return from_memory;
  }

 private:
  static void read(FrameReader reader, std::size_t limit) {
    reader.next(kKind, kVersion, limit);
    reader.expect_end();
  }

  TemporaryFolder folder_;
};

Bytes sample() { return make_frame(kKind, kVersion, as_bytes("a payload of 27 bytes' size")); }

/// A frame whose digest is right whatever its length says.
Bytes with_length(std::uint64_t length, std::size_t payload_bytes) {
  Bytes frame = make_frame(kKind, kVersion, Bytes(payload_bytes, 0x55));
  for (std::size_t i = 0; i < 8; ++i) frame[kLengthAt + i] = static_cast<std::uint8_t>(length >> (8 * i));
  const Digest digest = sha256(ByteView(frame).first(frame.size() - sizeof(Digest)));
  std::copy(digest.begin(), digest.end(), frame.end() - sizeof(Digest));
  return frame;
}

}  // namespace

TEST_CASE("a frame is what its description says, byte by byte") {
  const Bytes frame = make_frame({'A', 'b', 'C', 'd'}, 0x01020304, as_bytes("xyz"));
  CHECK(frame.size() == 3 + kFrameOverhead);
  const Bytes head = {'O', 'P', 'A', 'L', 'A', 'b', 'C', 'd', 4,   3,   2,  1,
                      3,   0,   0,   0,   0,   0,   0,   0,   'x', 'y', 'z'};
  CHECK(Bytes(frame.begin(), frame.begin() + 23) == head);
  const Digest digest = sha256(head);
  CHECK(std::equal(digest.begin(), digest.end(), frame.begin() + 23));
}

TEST_CASE("payloads of every size come back") {
  const TemporaryFolder folder;
  for (const std::size_t size : {0U, 1U, 31U, 32U, 33U, 100000U}) {
    Bytes payload(size);
    for (std::size_t i = 0; i < size; ++i) payload[i] = static_cast<std::uint8_t>(i);
    const Bytes frame = make_frame(kKind, kVersion, payload);
    FrameReader from_memory(frame, "message");
    CHECK(from_memory.next(kKind, kVersion, size) == payload);
    CHECK_NOTHROW(from_memory.expect_end());
    write_file(folder / "frame", frame, FileMode::everyone);
    FrameReader from_file(folder / "frame");
    CHECK(from_file.name() == (folder / "frame").string());
    CHECK(from_file.next(kKind, kVersion, size) == payload);
    CHECK_NOTHROW(from_file.expect_end());
  }
}

TEST_CASE("a frame cut off anywhere is refused") {
  Reading reading;
  const Bytes frame = sample();
  for (std::size_t size = 0; size < frame.size(); ++size) {
    CAPTURE(size);
    CHECK(reading.refused({frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size)}) ==
          ErrorKind::damaged);
  }
  CHECK_FALSE(reading.refused(frame));
}

TEST_CASE("a frame with any one bit changed is refused") {
  const Bytes frame = sample();
  for (std::size_t bit = 0; bit < 8 * frame.size(); ++bit) {
    CAPTURE(bit);
    Bytes altered = frame;
    altered[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    const auto kind = kind_of([&] { FrameReader(altered, "message").next(kKind, kVersion, kLimit); });
    const std::size_t byte = bit / 8;
    if (byte >= 8 && byte < 12) {
      CHECK(kind == ErrorKind::unsupported_version);
    } else if (byte >= kLengthAt && byte < kPayloadAt) {
      CHECK((kind == ErrorKind::damaged || kind == ErrorKind::too_large));
    } else {
      CHECK(kind == ErrorKind::damaged);
    }
  }
}

TEST_CASE("a frame in a file with any one byte changed is refused") {
  Reading reading;
  const Bytes frame = sample();
  for (std::size_t i = 0; i < frame.size(); ++i) {
    CAPTURE(i);
    Bytes altered = frame;
    altered[i] ^= 0xff;
    CHECK(reading.refused(altered));
  }
}

TEST_CASE("a frame of another kind or version is refused, and the version is named") {
  Reading reading;
  CHECK(reading.refused(make_frame({'T', 'E', 'S', 'S'}, kVersion, {})) == ErrorKind::damaged);
  for (const std::uint32_t version : {0U, kVersion - 1, kVersion + 1, 0xffffffffU}) {
    const Bytes frame = make_frame(kKind, version, {});
    CHECK(reading.refused(frame) == ErrorKind::unsupported_version);
    const auto error = error_of([&] { FrameReader(frame, "message").next(kKind, kVersion, kLimit); });
    const std::string text = error->what();
    CHECK(text.find("message: ") == 0);
    CHECK(text.find("version " + std::to_string(version) + ";") != std::string::npos);
  }
}

TEST_CASE("a length that is not the payload's is refused whatever it claims") {
  Reading reading;
  constexpr auto kMost = std::numeric_limits<std::uint64_t>::max();
  constexpr std::size_t kPayload = 64;
  for (const std::uint64_t length : {kMost, kMost - 1, kMost - 31, kMost - 32, kMost - 52, kMost / 2,
                                     kMost / 2 + 1, std::uint64_t{1} << 32, std::uint64_t{kLimit} + 1}) {
    CAPTURE(length);
    CHECK(reading.refused(with_length(length, kPayload)) == ErrorKind::too_large);
    // Without a limit it is the end of the message that stops it, before memory is taken.
    CHECK(reading.refused(with_length(length, kPayload), std::numeric_limits<std::size_t>::max()) ==
          ErrorKind::damaged);
  }
  for (const std::uint64_t length :
       {kPayload + 1, kPayload + 32, kPayload + 33, kPayload - 1, std::size_t{0}}) {
    CAPTURE(length);
    CHECK(reading.refused(with_length(length, kPayload)) == ErrorKind::damaged);
  }
  CHECK_FALSE(reading.refused(with_length(kPayload, kPayload)));
  CHECK_FALSE(reading.refused(with_length(kLimit, kLimit)));
}

TEST_CASE("several frames are read one after the other") {
  Bytes file = make_frame(kKind, kVersion, as_bytes("first"));
  const Bytes second = make_frame({'N', 'E', 'X', 'T'}, 1, as_bytes("second"));
  file.insert(file.end(), second.begin(), second.end());

  FrameReader reader(file, "message");
  CHECK(reader.next(kKind, kVersion, kLimit) == Bytes{'f', 'i', 'r', 's', 't'});
  CHECK(kind_of([&] { reader.expect_end(); }) == ErrorKind::damaged);
  FrameReader moved(std::move(reader));
  CHECK(moved.next({'N', 'E', 'X', 'T'}, 1, kLimit).size() == 6);
  CHECK_NOTHROW(moved.expect_end());
  CHECK(kind_of([&] { moved.next(kKind, kVersion, kLimit); }) == ErrorKind::damaged);
}

TEST_CASE("bytes behind the end are refused") {
  Reading reading;
  Bytes frame = sample();
  frame.push_back(0);
  CHECK(reading.refused(frame) == ErrorKind::damaged);
}

TEST_CASE("the kind of a file can be seen without reading it") {
  CHECK(peek_frame_kind(sample()) == kKind);
  CHECK(peek_frame_kind({}) == FrameKind{});
  const Bytes frame = sample();
  CHECK(peek_frame_kind(ByteView(frame).first(8)) == kKind);
  CHECK(peek_frame_kind(ByteView(frame).first(7)) == FrameKind{});
  CHECK(peek_frame_kind(as_bytes("OPALescent")) == FrameKind{'e', 's', 'c', 'e'});
  CHECK(peek_frame_kind(as_bytes("{\"kty\": \"DAJ\"}")) == FrameKind{});
}

TEST_CASE("a frame is read in its context only") {
  const Bytes payload = {1, 2, 3};
  const Bytes context = {7, 7};
  const Bytes frame = make_frame({'T', 'E', 'S', 'T'}, 1, payload, context);
  CHECK(frame.size() == make_frame({'T', 'E', 'S', 'T'}, 1, payload).size());
  const auto read = [&](ByteView in) {
    FrameReader reader(frame, "frame");
    return reader.next({'T', 'E', 'S', 'T'}, 1, 10, in);
  };
  CHECK(read(context) == payload);
  for (const Bytes& other : {Bytes{}, Bytes{7}, Bytes{7, 8}, Bytes{7, 7, 7}}) {
    CHECK(kind_of([&] { read(other); }) == ErrorKind::damaged);
  }
}
