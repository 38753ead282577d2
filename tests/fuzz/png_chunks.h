#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fuzz/mutator.h"

namespace opaline::fuzz {

struct PngChunk {
  std::string type;  ///< four letters
  Bytes data;
};

/// A PNG file of these chunks, each with its checksum.
Bytes png_of(const std::vector<PngChunk>& chunks);

/// The chunks of a file, whatever their checksums say; nothing if it is no sequence of chunks.
std::optional<std::vector<PngChunk>> chunks_of(ByteView png);

/// Changes a chunk, or the pixels in them, or which chunks there are.
Bytes mutate_png(Bytes png, std::size_t limit, Mutator& mutator);

}  // namespace opaline::fuzz
