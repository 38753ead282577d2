#include <png.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "opaline/base/bytes.h"
#include "opaline/base/error.h"
#include "opaline/base/file.h"
#include "opaline/model/data/photograph.h"

namespace opaline {
namespace {

// PNG specification, 2nd edition, 5.2 and 5.3: a signature, then chunks of length, type, data and CRC.
constexpr std::array<std::uint8_t, 8> kSignature = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
constexpr std::size_t kWord = 4;
constexpr std::size_t kHeaderSize = 13;

[[noreturn]] void damaged(const std::string& name, const std::string& what) {
  throw Error(ErrorKind::damaged, name + ": not an intact PNG picture: " + what);
}

std::size_t big_endian(ByteView word) {
  std::size_t value = 0;
  for (const std::uint8_t byte : word.first(kWord)) value = value << 8U | byte;
  return value;
}

struct Chunk {
  std::string_view type;
  ByteView data;
};

// Takes a chunk off the file.
Chunk take_chunk(ByteView& file, const std::string& name) {
  if (file.size() < 3 * kWord) damaged(name, "it is cut short");
  const std::size_t size = big_endian(file);
  if (size > file.size() - 3 * kWord) damaged(name, "it is cut short");
  const ByteView guarded = file.subspan(kWord, kWord + size);
  if (::crc32_z(0, guarded.data(), guarded.size()) != big_endian(file.subspan(2 * kWord + size))) {
    damaged(name, "a checksum does not match");
  }
  file = file.subspan(3 * kWord + size);
  return {{reinterpret_cast<const char*>(guarded.data()), kWord}, guarded.subspan(kWord)};
}

void check_header(const Chunk& chunk, const std::string& name) {
  if (chunk.type != "IHDR" || chunk.data.size() != kHeaderSize) damaged(name, "it has no header");
  const std::size_t columns = big_endian(chunk.data);
  const std::size_t rows = big_endian(chunk.data.subspan(kWord));
  if (columns == 0 || rows == 0) damaged(name, "it has no pixels");
  if (columns > kLongestPictureSide || rows > kLongestPictureSide || rows > kMostPicturePixels / columns) {
    throw Error(ErrorKind::too_large,
                name + ": " + std::to_string(columns) + "×" + std::to_string(rows) +
                    " pixels; a picture has at most 32768 a side and 2^26 in all, make it smaller");
  }
}

// libpng is content without the end of a file, and with pixels whose checksum is wrong.
void check_chunks(ByteView file, const std::string& name) {
  if (file.size() < kSignature.size() || !std::equal(kSignature.begin(), kSignature.end(), file.begin())) {
    damaged(name, "it does not begin as one; save the picture as PNG");
  }
  file = file.subspan(kSignature.size());
  check_header(take_chunk(file, name), name);
  while (take_chunk(file, name).type != "IEND") continue;
}

// libpng's picture, freed whatever happens.
class Decoder {
 public:
  explicit Decoder(const std::string& name) : name_(name) { picture_.version = PNG_IMAGE_VERSION; }
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder() { ::png_image_free(&picture_); }

  GreyImage decode(ByteView file) {
    if (::png_image_begin_read_from_memory(&picture_, file.data(), file.size()) == 0) refuse();
    picture_.format = PNG_FORMAT_GRAY;
    picture_.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;  // as everybody writes them, unlike what libpng assumes
    GreyImage image{picture_.height, picture_.width, {}};
    image.pixels.resize(image.rows * image.columns);
    const png_color white = {255, 255, 255};
    if (::png_image_finish_read(&picture_, &white, image.pixels.data(), 0, nullptr) == 0) refuse();
    return image;
  }

 private:
  [[noreturn]] void refuse() const { damaged(name_, picture_.message); }

  const std::string& name_;
  png_image picture_{};
};

}  // namespace

GreyImage read_png(const std::filesystem::path& path) {
  const Bytes file = read_file(path, kPictureFileLimit);
  const std::string name = path.string();
  check_chunks(file, name);
  return Decoder(name).decode(file);
}

}  // namespace opaline
