#include "fuzz/gzip.h"
#include "fuzz/memory_file.h"
#include "fuzz/png_chunks.h"
#include "fuzz/targets/targets.h"
#include "opaline/model/data/photograph.h"

namespace opaline::fuzz {
namespace {

constexpr std::size_t kFewPixels = std::size_t{96} * 96;

enum class Colour : std::uint8_t { grey = 0, rgb = 2, palette = 3, grey_alpha = 4, rgba = 6 };

PngChunk header(std::uint8_t columns, std::uint8_t rows, std::uint8_t depth, Colour colour,
                std::uint8_t interlaced) {
  return {"IHDR",
          {0, 0, 0, columns, 0, 0, 0, rows, depth, static_cast<std::uint8_t>(colour), 0, 0, interlaced}};
}

// Scan lines of `width` bytes, each behind the number of its filter: a dark bar on light.
PngChunk pixels(std::size_t width, std::size_t rows) {
  Bytes lines;
  for (std::size_t r = 0; r < rows; ++r) {
    lines.push_back(0);
    for (std::size_t c = 0; c < width; ++c) {
      const bool bar = r > rows / 4 && r < 3 * rows / 4 && c > 2 * width / 5 && c < 3 * width / 5;
      lines.push_back(bar ? 20 : 230);
    }
  }
  return {"IDAT", deflated(lines, Wrapping::zlib)};
}

std::vector<Bytes> seeds() {
  const PngChunk end{"IEND", {}};
  const PngChunk palette{"PLTE", Bytes(768, 0x55)};
  return {png_of({header(24, 24, 8, Colour::grey, 0), pixels(24, 24), end}),
          png_of({header(28, 28, 8, Colour::grey, 0), pixels(28, 28), end}),
          png_of({header(5, 6, 8, Colour::rgb, 0), {"gAMA", {0, 0, 0xb1, 0x8f}}, pixels(15, 6), end}),
          png_of({header(4, 4, 16, Colour::rgba, 0), pixels(32, 4), end}),
          png_of({header(6, 5, 8, Colour::palette, 0), palette, {"tRNS", {0, 128}}, pixels(6, 5), end}),
          png_of({header(9, 9, 8, Colour::grey_alpha, 0), {"sRGB", {0}}, pixels(18, 9), end}),
          png_of({header(1, 1, 8, Colour::grey, 1), pixels(1, 1), end}),
          png_of({header(64, 3, 1, Colour::grey, 0), pixels(8, 3), end})};
}

void run(ByteView input) {
  const MemoryFile file(input);
  GreyImage picture;
  const bool read =
      accepted({ErrorKind::damaged, ErrorKind::too_large}, [&] { picture = read_png(file.path()); });
  if (!read) return;
  require(picture.rows > 0 && picture.columns > 0 && picture.pixels.size() == picture.rows * picture.columns,
          "there are all pixels");
  if (picture.pixels.size() > kFewPixels) return;
  accepted({ErrorKind::invalid_argument}, [&] {
    const ImageSet digit = digit_from(picture);
    require(digit.count == 1 && digit.rows == 28 && digit.columns == 28 && digit.pixels.size() == 784,
            "a digit is one image like MNIST's");
    require(digit_from({28, 28, digit.pixels}).pixels == digit.pixels, "a digit comes back as it is");
  });
}

}  // namespace

FuzzTarget png_target() { return {"png", seeds, run, mutate_png, 150}; }

}  // namespace opaline::fuzz
