#include "fuzz/png_chunks.h"

#include <zlib.h>

#include <algorithm>
#include <utility>

#include "fuzz/gzip.h"

namespace opaline::fuzz {
namespace {

constexpr std::uint8_t kSignature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr std::size_t kWord = 4;
constexpr std::size_t kFewBytes = std::size_t{1} << 20;
constexpr const char* kTypes[] = {"IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "cHRM", "sRGB",
                                  "iCCP", "bKGD", "sBIT", "pHYs", "tEXt", "zTXt", "abCd", "ABCD"};

void put_word(Bytes& bytes, std::size_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(value >> shift));
}

bool is_pixels(const PngChunk& chunk) { return chunk.type == "IDAT"; }

// All IDAT chunks as one, its pixels changed.
void change_pixels(std::vector<PngChunk>& chunks, std::size_t limit, Mutator& mutator) {
  Bytes packed;
  for (const PngChunk& chunk : chunks) {
    if (is_pixels(chunk)) packed.insert(packed.end(), chunk.data.begin(), chunk.data.end());
  }
  std::optional<Bytes> pixels = inflated(packed, Wrapping::zlib, kFewBytes);
  if (!pixels) return;
  mutator.change(*pixels, limit);
  const auto first = std::find_if(chunks.begin(), chunks.end(), is_pixels);
  first->data = deflated(*pixels, Wrapping::zlib);
  chunks.erase(std::remove_if(first + 1, chunks.end(), is_pixels), chunks.end());
}

}  // namespace

Bytes png_of(const std::vector<PngChunk>& chunks) {
  Bytes file(std::begin(kSignature), std::end(kSignature));
  for (const PngChunk& chunk : chunks) {
    put_word(file, chunk.data.size());
    Bytes guarded(chunk.type.begin(), chunk.type.end());
    guarded.insert(guarded.end(), chunk.data.begin(), chunk.data.end());
    file.insert(file.end(), guarded.begin(), guarded.end());
    put_word(file, ::crc32_z(0, guarded.data(), guarded.size()));
  }
  return file;
}

std::optional<std::vector<PngChunk>> chunks_of(ByteView png) {
  if (png.size() < sizeof(kSignature) ||
      !std::equal(std::begin(kSignature), std::end(kSignature), png.begin())) {
    return std::nullopt;
  }
  png = png.subspan(sizeof(kSignature));
  std::vector<PngChunk> chunks;
  while (!png.empty()) {
    if (png.size() < 3 * kWord) return std::nullopt;
    std::size_t size = 0;
    for (const std::uint8_t byte : png.first(kWord)) size = size << 8U | byte;
    if (size > png.size() - 3 * kWord) return std::nullopt;
    const ByteView type = png.subspan(kWord, kWord);
    const ByteView data = png.subspan(2 * kWord, size);
    chunks.push_back({{type.begin(), type.end()}, {data.begin(), data.end()}});
    png = png.subspan(3 * kWord + size);
  }
  if (chunks.empty()) return std::nullopt;
  return chunks;
}

Bytes mutate_png(Bytes png, std::size_t limit, Mutator& mutator) {
  std::optional<std::vector<PngChunk>> chunks = mutator.one_in(16) ? std::nullopt : chunks_of(png);
  if (!chunks) {
    mutator.change(png, limit);
    return png;
  }
  PngChunk& chunk = mutator.one_of(*chunks);
  switch (mutator.below(8)) {
    case 0:
      std::swap(chunk, mutator.one_of(*chunks));
      break;
    case 1:
      chunks->insert(chunks->begin() + static_cast<std::ptrdiff_t>(mutator.below(chunks->size())),
                     PngChunk(chunk));
      break;
    case 2:
      chunk.type = mutator.one_of(kTypes);
      break;
    case 3:
    case 4:
      mutator.change(chunks->front().data, limit);
      break;
    case 5:
      mutator.change(chunk.data, limit);
      break;
    default:
      change_pixels(*chunks, limit, mutator);
  }
  return png_of(*chunks);
}

}  // namespace opaline::fuzz
