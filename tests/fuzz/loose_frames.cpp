#include "fuzz/loose_frames.h"

#include <algorithm>
#include <utility>

#include "fuzz/wire_fields.h"
#include "opaline/base/error.h"
#include "opaline/base/sha256.h"

namespace opaline::fuzz {
namespace {

constexpr std::size_t kHeader = 20;

std::uint64_t little_endian(ByteView bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) value = value << 8U | bytes[i - 1];
  return value;
}

}  // namespace

std::optional<std::vector<LooseFrame>> take_apart(ByteView file) {
  std::vector<LooseFrame> frames;
  while (!file.empty()) {
    if (file.size() < kFrameOverhead) return std::nullopt;
    const std::uint64_t length = little_endian(file.subspan(12, 8));
    if (length > file.size() - kFrameOverhead) return std::nullopt;
    LooseFrame frame;
    std::transform(file.begin() + 4, file.begin() + 8, frame.kind.begin(),
                   [](std::uint8_t letter) { return static_cast<char>(letter); });
    frame.version = static_cast<std::uint32_t>(little_endian(file.subspan(8, 4)));
    const ByteView payload = file.subspan(kHeader, static_cast<std::size_t>(length));
    frame.payload.assign(payload.begin(), payload.end());
    frames.push_back(std::move(frame));
    file = file.subspan(kFrameOverhead + static_cast<std::size_t>(length));
  }
  if (frames.empty()) return std::nullopt;
  return frames;
}

Bytes put_together(const std::vector<LooseFrame>& frames) {
  Bytes file;
  std::optional<Digest> header;
  for (const LooseFrame& frame : frames) {
    const Bytes bytes =
        make_frame(frame.kind, frame.version, frame.payload, header ? ByteView(*header) : ByteView());
    if (!header) header = sha256(bytes);
    file.insert(file.end(), bytes.begin(), bytes.end());
  }
  return file;
}

Bytes mutate_frames(Bytes file, std::size_t limit, Mutator& mutator) {
  std::optional<std::vector<LooseFrame>> frames = take_apart(file);
  if (!frames || mutator.one_in(16)) {
    mutator.change(file, limit);
    return file;
  }
  LooseFrame& frame = mutator.one_of(*frames);
  switch (mutator.below(24)) {
    case 0:
      ++frame.version;
      break;
    case 1:
      frame.kind = mutator.one_of(*frames).kind;
      break;
    case 2:
      std::swap(frame, mutator.one_of(*frames));
      break;
    case 3:
      frames->push_back(LooseFrame(frame));
      break;
    case 4:
      frames->pop_back();
      break;
    default:
      frame.payload = mutate_message(frame.payload, limit, mutator);
  }
  return put_together(*frames);
}

Bytes forge_or_mutate_frames(Bytes file, std::size_t limit, Mutator& mutator,
                             Bytes (*forge)(const Bytes&, Mutator&)) {
  if (mutator.one_in(3)) {
    try {
      return forge(file, mutator);
    } catch (const Error&) {
      // Not what it was any more: changed like any other bytes.
    }
  }
  return mutate_frames(std::move(file), limit, mutator);
}

}  // namespace opaline::fuzz
