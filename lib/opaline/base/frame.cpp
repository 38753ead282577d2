#include "opaline/base/frame.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/base/file.h"
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

[[noreturn]] void refuse(ErrorKind kind, const std::string& name, const std::string& why) {
  throw Error(kind, name + ": " + why);
}

}  // namespace

Bytes make_frame(FrameKind kind, std::uint32_t version, ByteView payload, ByteView context) {
  Bytes frame(kFrameOverhead + payload.size());
  std::copy(kMagic.begin(), kMagic.end(), frame.begin());
  std::copy(kind.begin(), kind.end(), frame.begin() + 4);
  put_little_endian(frame.data() + 8, version);
  put_little_endian(frame.data() + 12, static_cast<std::uint64_t>(payload.size()));
  std::copy(payload.begin(), payload.end(), frame.begin() + kHeader);
  const Digest digest = sha256({context, ByteView(frame).first(kHeader + payload.size())});
  std::copy(digest.begin(), digest.end(), frame.end() - sizeof(Digest));
  return frame;
}

class FrameReader::Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;
  virtual std::uint64_t left() const = 0;
  virtual void read(std::span<std::uint8_t> out) = 0;  ///< out.size() ≤ left()
};

class FrameReader::MemorySource : public Source {
 public:
  explicit MemorySource(ByteView message) : rest_(message) {}
  std::uint64_t left() const override { return rest_.size(); }
  void read(std::span<std::uint8_t> out) override {
    std::copy_n(rest_.begin(), out.size(), out.begin());
    rest_ = rest_.subspan(out.size());
  }

 private:
  ByteView rest_;
};

class FrameReader::FileSource : public Source {
 public:
  explicit FileSource(const std::filesystem::path& path) : file_(path) {}
  std::uint64_t left() const override { return file_.left(); }
  void read(std::span<std::uint8_t> out) override { file_.read(out); }

 private:
  FileReader file_;
};

FrameReader::FrameReader(ByteView message, std::string name)
    : source_(std::make_unique<MemorySource>(message)), name_(std::move(name)) {}
FrameReader::FrameReader(const std::filesystem::path& path)
    : source_(std::make_unique<FileSource>(path)), name_(path.string()) {}
FrameReader::FrameReader(FrameReader&&) noexcept = default;
FrameReader& FrameReader::operator=(FrameReader&&) noexcept = default;
FrameReader::~FrameReader() = default;

Bytes FrameReader::next(FrameKind kind, std::uint32_t version, std::size_t limit, ByteView context) {
  const std::string expected(kind.begin(), kind.end());
  std::array<std::uint8_t, kHeader> header{};
  if (source_->left() < kHeader) refuse(ErrorKind::damaged, name_, "truncated, or not an Opaline file");
  source_->read(header);
  if (!std::equal(kMagic.begin(), kMagic.end(), header.begin())) {
    refuse(ErrorKind::damaged, name_, "not an Opaline file");
  }
  if (!std::equal(kind.begin(), kind.end(), header.begin() + 4)) {
    refuse(ErrorKind::damaged, name_, "not what is expected here (another kind than " + expected + ")");
  }
  const auto found_version = little_endian<std::uint32_t>(ByteView(header).subspan(8));
  if (found_version != version) {
    refuse(ErrorKind::unsupported_version, name_,
           "format version " + std::to_string(found_version) + "; this program reads version " +
               std::to_string(version));
  }
  const auto length = little_endian<std::uint64_t>(ByteView(header).subspan(12));
  if (length > limit) {
    refuse(ErrorKind::too_large, name_,
           "claims a part of " + std::to_string(length) + " bytes; at most " + std::to_string(limit) +
               " are accepted");
  }
  if (source_->left() < sizeof(Digest) || length > source_->left() - sizeof(Digest)) {
    refuse(ErrorKind::damaged, name_, "truncated");
  }
  Bytes payload(static_cast<std::size_t>(length));
  source_->read(payload);
  Digest written{};
  source_->read(written);
  if (written != sha256({context, header, payload})) {
    refuse(ErrorKind::damaged, name_,
           "altered, damaged or a part of something else (its checksum does not match)");
  }
  return payload;
}

void FrameReader::expect_end() {
  if (source_->left() != 0) refuse(ErrorKind::damaged, name_, "has bytes behind its end");
}

FrameKind peek_frame_kind(ByteView bytes) {
  FrameKind kind{};
  if (bytes.size() >= 8 && std::equal(kMagic.begin(), kMagic.end(), bytes.begin())) {
    std::memcpy(kind.data(), bytes.data() + 4, kind.size());
  }
  return kind;
}

}  // namespace opaline
