#pragma once

#include <optional>
#include <vector>

#include "fuzz/mutator.h"
#include "opaline/base/frame.h"

namespace opaline::fuzz {

/// A frame that need not be sound.
struct LooseFrame {
  FrameKind kind{};
  std::uint32_t version = 0;
  Bytes payload;
};

/// The frames of a file or message whatever their checksums say; nothing if it is no sequence of frames.
std::optional<std::vector<LooseFrame>> take_apart(ByteView file);

/// With checksums that are right: of every frame but the first for the first's digest as its context.
Bytes put_together(const std::vector<LooseFrame>& frames);

/// Changes a payload, or which frames there are, or (rarely) any bytes.
Bytes mutate_frames(Bytes file, std::size_t limit, Mutator& mutator);

/// Every third time what `forge` makes of a file, unless it throws Error; otherwise mutate_frames.
Bytes forge_or_mutate_frames(Bytes file, std::size_t limit, Mutator& mutator,
                             Bytes (*forge)(const Bytes&, Mutator&));

}  // namespace opaline::fuzz
