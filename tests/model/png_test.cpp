#include <zlib.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>
#include <random>
#include <string>

#include "camera.h"
#include "opaline/base/error.h"
#include "opaline/model/photograph.h"
#include "support/error_kind.h"
#include "support/temporary_folder.h"

using namespace opaline;

namespace {

// Files put together chunk by chunk as the PNG specification says, so that they can be wrong.
void put_word(Bytes& file, std::size_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) file.push_back(static_cast<std::uint8_t>(value >> shift));
}

void put_chunk(Bytes& file, const std::string& type, const Bytes& data) {
  put_word(file, data.size());
  Bytes guarded(type.begin(), type.end());
  guarded.insert(guarded.end(), data.begin(), data.end());
  file.insert(file.end(), guarded.begin(), guarded.end());
  put_word(file, ::crc32_z(0, guarded.data(), guarded.size()));
}

Bytes deflated(const Bytes& plain) {
  uLongf size = ::compressBound(plain.size());
  Bytes packed(size);
  REQUIRE(::compress(packed.data(), &size, plain.data(), plain.size()) == Z_OK);
  packed.resize(size);
  return packed;
}

struct Header {
  std::size_t columns = 2;
  std::size_t rows = 2;
  std::uint8_t depth = 8;
  std::uint8_t colour = 0;  // 0 grey, 2 RGB, 3 palette, 4 grey and alpha, 6 RGBA
  std::uint8_t interlace = 0;
};

Bytes png_opening(const Header& header) {
  Bytes file = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  Bytes data;
  put_word(data, header.columns);
  put_word(data, header.rows);
  for (const std::uint8_t byte :
       {header.depth, header.colour, std::uint8_t{0}, std::uint8_t{0}, header.interlace})
    data.push_back(byte);
  put_chunk(file, "IHDR", data);
  return file;
}

// Scan lines open with their filter, 0.
Bytes png(const Header& header, const Bytes& scan_lines, const Bytes& palette = {}) {
  Bytes file = png_opening(header);
  if (!palette.empty()) put_chunk(file, "PLTE", palette);
  put_chunk(file, "IDAT", deflated(scan_lines));
  put_chunk(file, "IEND", {});
  return file;
}

class Reader {
 public:
  GreyImage read(const Bytes& file) const {
    std::ofstream out(path_, std::ios::binary | std::ios::trunc);
    out.write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
    REQUIRE(out.flush().good());
    return read_png(path_);
  }

  std::optional<ErrorKind> refusal(const Bytes& file) const {
    const std::optional<Error> error = test::error_of([&] { read(file); });
    if (!error) return std::nullopt;
    CHECK_THAT(error->what(), Catch::Contains("hostile.png: "));
    CHECK(std::string(error->what()).find('\n') == std::string::npos);
    return error->kind();
  }

  /// Either a picture whose parts fit together, or an Error; anything else ends the test.
  void read_or_refuse(const Bytes& file) const {
    try {
      const GreyImage image = read(file);
      CHECK(image.pixels.size() == image.rows * image.columns);
      CHECK_FALSE(image.pixels.empty());
    } catch (const Error&) {
      SUCCEED();
    }
  }

 private:
  test::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_ / "hostile.png";
};

Bytes sample() {
  test::Shot shot;
  shot.enlargement = 1;
  shot.noise = 5;
  return test::png_of(test::photograph(std::vector<std::uint8_t>(784, 100), shot));
}

// Up to rounding on the way to linear light and back.
void check_pixels(const Bytes& file, const Bytes& expected) {
  const GreyImage image = Reader().read(file);
  CHECK(image.rows == 2);
  CHECK(image.columns == 2);
  REQUIRE(image.pixels.size() == expected.size());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    CAPTURE(i, int{image.pixels[i]}, int{expected[i]});
    CHECK(std::abs(image.pixels[i] - expected[i]) <= 1);
  }
}

}  // namespace

TEST_CASE("What libpng writes is read, pixel by pixel") {
  GreyImage picture{3, 5, {}};
  for (std::uint8_t i = 0; i < 15; ++i) picture.pixels.push_back(static_cast<std::uint8_t>(17 * i));
  const GreyImage again = Reader().read(test::png_of(picture));
  CHECK(again.rows == 3);
  CHECK(again.columns == 5);
  CHECK(again.pixels == picture.pixels);
}

TEST_CASE("PNG of every sort of pixel is read as grey") {
  check_pixels(png({}, {0, 10, 20, 0, 200, 255}), {10, 20, 200, 255});
  check_pixels(png({2, 2, 1, 0}, {0, 0x40, 0, 0x80}), {0, 255, 255, 0});
  check_pixels(png({2, 2, 16, 0}, {0, 10, 10, 20, 20, 0, 200, 200, 255, 255}), {10, 20, 200, 255});
  check_pixels(png({2, 2, 8, 2}, {0, 10, 10, 10, 20, 20, 20, 0, 200, 200, 200, 255, 255, 255}),
               {10, 20, 200, 255});
  check_pixels(png({2, 2, 8, 3}, {0, 0, 1, 0, 1, 0}, {10, 10, 10, 200, 200, 200}), {10, 200, 200, 10});
  // Interlaced (Adam7): the first pixel, its neighbour, the second row.
  check_pixels(png({2, 2, 8, 0, 1}, {0, 10, 0, 20, 0, 200, 255}), {10, 20, 200, 255});
}

TEST_CASE("What is transparent shows white") {
  check_pixels(png({2, 2, 8, 4}, {0, 10, 255, 20, 0, 0, 200, 255, 0, 0}), {10, 255, 200, 255});
  check_pixels(png({2, 2, 8, 6}, {0, 10, 10, 10, 255, 20, 20, 20, 0, 0, 200, 200, 200, 255, 0, 0, 0, 0}),
               {10, 255, 200, 255});
  const GreyImage half = Reader().read(png({1, 1, 8, 4}, {0, 0, 128}));
  CHECK(half.pixels[0] > 100);
  CHECK(half.pixels[0] < 220);
}

TEST_CASE("Colours weigh as the eye sees them") {
  const GreyImage image = Reader().read(png({3, 1, 8, 2}, {0, 255, 0, 0, 0, 255, 0, 0, 0, 255}));
  CHECK(image.pixels[1] > image.pixels[0]);
  CHECK(image.pixels[0] > image.pixels[2]);
}

TEST_CASE("A PNG cut short at any length is damaged") {
  const Reader reader;
  const Bytes whole = sample();
  REQUIRE(reader.refusal(whole) == std::nullopt);
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    CHECK(reader.refusal(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length))) ==
          ErrorKind::damaged);
  }
}

TEST_CASE("Any flipped bit of a PNG is found") {
  const Reader reader;
  Bytes file = sample();
  for (std::size_t bit = 0; bit < file.size() * 8; bit += 3) {
    CAPTURE(bit);
    file[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    CHECK(reader.refusal(file) == ErrorKind::damaged);
    file[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
  }
}

TEST_CASE("A PNG with wrong data under right checksums is refused or read, never worse") {
  const Reader reader;
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same damage every time
  const Bytes lines = {0, 1, 2, 3, 4, 0, 5, 6, 7, 8, 1, 9, 10, 11, 12, 4, 13, 14, 15, 16};
  for (int round = 0; round < 3000; ++round) {
    const auto any = [&](std::initializer_list<int> of) {
      return static_cast<std::uint8_t>(of.begin()[random() % of.size()]);
    };
    const Header header = {1 + random() % 9, 1 + random() % 9, any({1, 2, 4, 8, 16, 3, 0}),
                           any({0, 2, 3, 4, 6, 1, 7}), any({0, 1, 2})};
    Bytes file = png_opening(header);
    if (random() % 2 == 0) put_chunk(file, "PLTE", Bytes(random() % 12, 77));
    if (random() % 4 == 0) put_chunk(file, "tRNS", Bytes(random() % 8, 3));
    if (random() % 4 == 0) put_chunk(file, "gAMA", Bytes(random() % 6, static_cast<std::uint8_t>(random())));
    if (random() % 4 == 0) put_chunk(file, "iCCP", Bytes(random() % 90, static_cast<std::uint8_t>(random())));
    Bytes packed = deflated(lines);
    if (random() % 2 == 0) packed[random() % packed.size()] = static_cast<std::uint8_t>(random());
    put_chunk(file, "IDAT", packed);
    put_chunk(file, "IEND", {});
    reader.read_or_refuse(file);
  }
}

TEST_CASE("Absurd sizes are refused before memory is taken") {
  const Reader reader;
  const auto kind = [&](std::size_t columns, std::size_t rows) {
    return reader.refusal(png({columns, rows, 8, 0, 0}, {0, 1, 2, 0, 3, 4}));
  };
  CHECK(kind(2, 2) == std::nullopt);
  CHECK(kind(0, 2) == ErrorKind::damaged);
  CHECK(kind(2, 0) == ErrorKind::damaged);
  CHECK(kind(32769, 1) == ErrorKind::too_large);
  CHECK(kind(1, 32769) == ErrorKind::too_large);
  CHECK(kind(32768, 2049) == ErrorKind::too_large);
  CHECK(kind(0xffffffff, 0xffffffff) == ErrorKind::too_large);
  CHECK(kind(0x80000000, 2) == ErrorKind::too_large);
  CHECK(kind(1000, 1000) == ErrorKind::damaged);
}

TEST_CASE("A chunk that claims more than the file has is refused") {
  const Reader reader;
  for (const std::uint8_t first : {std::uint8_t{0}, std::uint8_t{0x7f}, std::uint8_t{0xff}}) {
    Bytes file = png_opening({});
    for (const std::uint8_t byte : {first, std::uint8_t{0xff}, std::uint8_t{0xff}, std::uint8_t{0xff}})
      file.push_back(byte);
    for (const char c : std::string("IDAT12345678")) file.push_back(static_cast<std::uint8_t>(c));
    CHECK(reader.refusal(file) == ErrorKind::damaged);
  }
}

TEST_CASE("Compressed bombs take no more than the picture they belong to") {
  const Reader reader;
  // 16 MiB of zeros where six bytes belong, and as a colour profile.
  const Bytes zeros(std::size_t{16} << 20, 0);
  reader.read_or_refuse(png({}, zeros));
  Bytes file = png_opening({});
  Bytes profile = {'x', 0, 0};
  const Bytes packed = deflated(zeros);
  profile.insert(profile.end(), packed.begin(), packed.end());
  put_chunk(file, "iCCP", profile);
  put_chunk(file, "zTXt", profile);
  put_chunk(file, "IDAT", deflated({0, 1, 2, 0, 3, 4}));
  put_chunk(file, "IEND", {});
  reader.read_or_refuse(file);
}

TEST_CASE("Other files are no PNG") {
  const Reader reader;
  CHECK(reader.refusal({}) == ErrorKind::damaged);
  CHECK(reader.refusal(Bytes(1000, 0)) == ErrorKind::damaged);
  CHECK(reader.refusal({0xff, 0xd8, 0xff, 0xe0}) == ErrorKind::damaged);
  CHECK(test::kind_of([] { read_png("absent.png"); }) == ErrorKind::io);
  Bytes without_header = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
  put_chunk(without_header, "IDAT", deflated({0, 1}));
  put_chunk(without_header, "IEND", {});
  CHECK(reader.refusal(without_header) == ErrorKind::damaged);
}
