#include "opaline/model/data/dataset.h"

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <optional>
#include <string>

#include "opaline/base/error.h"
#include "opaline/base/file.h"

using namespace opaline;

namespace {

class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "opaline-dataset-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path_); }
  std::filesystem::path operator/(const char* name) const { return path_ / name; }
  bool empty() const { return std::filesystem::is_empty(path_); }

 private:
  std::filesystem::path path_;
};

// Two images of two rows and three columns, and labels 5, 0, 4, byte by byte as the format says.
const Bytes kImages = {0, 0, 8, 3, 0, 0, 0, 2, 0,   0,   0,   2,   0,   0,
                       0, 3, 1, 2, 3, 4, 5, 6, 255, 254, 253, 252, 251, 250};
const Bytes kLabels = {0, 0, 8, 1, 0, 0, 0, 3, 5, 0, 4};

// The labels in gzip, as Python's gzip.compress(labels, mtime=0) gives them.
const Bytes kLabelsGzip = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x63,
                           0x60, 0xe0, 0x60, 0x64, 0x60, 0x60, 0x60, 0x66, 0x65, 0x60, 0x01,
                           0x00, 0x76, 0xba, 0xe6, 0x0f, 0x0b, 0x00, 0x00, 0x00};

// Without write_file's flush to the disk, which would take most of the time here.
void save(const std::filesystem::path& path, const Bytes& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  for (const std::uint8_t byte : bytes) file.put(static_cast<char>(byte));
  REQUIRE(file.flush().good());
}

Bytes load(const std::filesystem::path& path) { return read_file(path, 1U << 20U); }

template <typename Action>
ErrorKind kind_of_error(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK(std::string(error.what()).find('\n') == std::string::npos);
    return error.kind();
  }
  FAIL("no error");
  return {};
}

Bytes with_word(Bytes file, std::size_t at, std::initializer_list<std::uint8_t> word) {
  std::copy(word.begin(), word.end(), file.begin() + static_cast<std::ptrdiff_t>(at));
  return file;
}

ImageSet ramp(std::size_t count) {
  ImageSet images{count, 4, 5, std::vector<std::uint8_t>(count * 20)};
  for (std::size_t i = 0; i < images.pixels.size(); ++i)
    images.pixels[i] = static_cast<std::uint8_t>(i * i / 7);
  return images;
}

}  // namespace

TEST_CASE("An IDX file of images is read row by row") {
  const Folder folder;
  save(folder / "images", kImages);
  const ImageSet images = read_idx_images(folder / "images");
  CHECK(images.count == 2);
  CHECK(images.rows == 2);
  CHECK(images.columns == 3);
  CHECK(images.pixels == Bytes(kImages.begin() + 16, kImages.end()));
  CHECK(images[1][0] == 255);
  CHECK(images[1].size() == 6);
}

TEST_CASE("An IDX file of labels is read, plain or gzip, whatever its name") {
  const Folder folder;
  save(folder / "plain.gz", kLabels);
  save(folder / "packed", kLabelsGzip);
  CHECK(read_idx_labels(folder / "plain.gz") == Bytes{5, 0, 4});
  CHECK(read_idx_labels(folder / "packed") == Bytes{5, 0, 4});
}

TEST_CASE("What is written is read again, and its first bytes are the format's") {
  const Folder folder;
  const ImageSet images = ramp(100);
  const Bytes labels = {1, 2, 3, 255};
  for (const char* name : {"set", "set.gz"}) {
    CAPTURE(name);
    write_idx_images(folder / name, images);
    const ImageSet again = read_idx_images(folder / name);
    CHECK(again.count == 100);
    CHECK(again.rows == 4);
    CHECK(again.columns == 5);
    CHECK(again.pixels == images.pixels);
    write_idx_labels(folder / name, labels);
    CHECK(read_idx_labels(folder / name) == labels);
  }
  write_idx_labels(folder / "plain", Bytes{5, 0, 4});
  CHECK(load(folder / "plain") == kLabels);
  write_idx_images(folder / "plain", {2, 2, 3, Bytes(kImages.begin() + 16, kImages.end())});
  CHECK(load(folder / "plain") == kImages);
}

TEST_CASE("Empty sets keep their shape") {
  const Folder folder;
  for (const char* name : {"none", "none.gz"}) {
    write_idx_images(folder / name, {0, 28, 28, {}});
    CHECK(read_idx_images(folder / name).count == 0);
    CHECK(read_idx_images(folder / name).image_size() == 784);
    write_idx_labels(folder / name, {});
    CHECK(read_idx_labels(folder / name).empty());
  }
}

TEST_CASE("Equal contents give equal gzip files, without name or time") {
  const Folder folder;
  write_idx_images(folder / "first.gz", ramp(30));
  write_idx_images(folder / "second.gz", ramp(30));
  const Bytes file = load(folder / "first.gz");
  CHECK(file == load(folder / "second.gz"));
  REQUIRE(file.size() > 10);
  CHECK(Bytes(file.begin(), file.begin() + 8) == Bytes{0x1f, 0x8b, 8, 0, 0, 0, 0, 0});
}

TEST_CASE("A file cut short at any length is damaged") {
  const Folder folder;
  write_idx_images(folder / "packed.gz", ramp(3));
  for (const Bytes& whole : {kImages, load(folder / "packed.gz")}) {
    for (std::size_t length = 0; length < whole.size(); ++length) {
      CAPTURE(length);
      save(folder / "cut", Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
      CHECK(kind_of_error([&] { read_idx_images(folder / "cut"); }) == ErrorKind::damaged);
    }
  }
}

TEST_CASE("Nothing may follow the elements, inside gzip or behind it") {
  const Folder folder;
  for (Bytes whole : {kLabels, kLabelsGzip}) {
    whole.push_back(0);
    save(folder / "long", whole);
    CHECK(kind_of_error([&] { read_idx_labels(folder / "long"); }) == ErrorKind::damaged);
  }
  Bytes twice = kLabelsGzip;
  twice.insert(twice.end(), kLabelsGzip.begin(), kLabelsGzip.end());
  save(folder / "twice", twice);
  CHECK(kind_of_error([&] { read_idx_labels(folder / "twice"); }) == ErrorKind::damaged);

  const Bytes four_elements_called_three = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x63,
                                            0x60, 0xe0, 0x60, 0x64, 0x60, 0x60, 0x60, 0x66, 0x65, 0x60, 0xe1,
                                            0x04, 0x00, 0x9a, 0x65, 0xb7, 0x12, 0x0c, 0x00, 0x00, 0x00};
  save(folder / "inside", four_elements_called_three);
  CHECK(kind_of_error([&] { read_idx_labels(folder / "inside"); }) == ErrorKind::damaged);
}

TEST_CASE("A flipped bit of a gzip file is found, or changes nothing that counts") {
  const Folder folder;
  for (std::size_t bit = 0; bit < kLabelsGzip.size() * 8; ++bit) {
    CAPTURE(bit);
    Bytes file = kLabelsGzip;
    file[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    save(folder / "flipped", file);
    std::optional<std::vector<std::uint8_t>> labels;
    try {
      labels = read_idx_labels(folder / "flipped");
    } catch (const Error& error) {
      const bool explained = error.kind() == ErrorKind::damaged || error.kind() == ErrorKind::too_large;
      CHECK(explained);
    }
    if (labels) {
      CHECK(*labels == Bytes{5, 0, 4});
      const bool guarded = bit / 8 < 3 || bit / 8 + 8 >= kLabelsGzip.size();  // magic, method; checksum, size
      CHECK_FALSE(guarded);
    }
  }
}

TEST_CASE("Images are not taken for labels, nor other files for either") {
  const Folder folder;
  save(folder / "images", kImages);
  save(folder / "labels", kLabels);
  CHECK(kind_of_error([&] { read_idx_labels(folder / "images"); }) == ErrorKind::damaged);
  CHECK(kind_of_error([&] { read_idx_images(folder / "labels"); }) == ErrorKind::damaged);
  save(folder / "floats", with_word(kImages, 0, {0, 0, 0x0d, 3}));
  CHECK(kind_of_error([&] { read_idx_images(folder / "floats"); }) == ErrorKind::damaged);
  save(folder / "swapped", with_word(kImages, 0, {3, 8, 0, 0}));
  CHECK(kind_of_error([&] { read_idx_images(folder / "swapped"); }) == ErrorKind::damaged);
  save(folder / "empty", {});
  CHECK(kind_of_error([&] { read_idx_images(folder / "empty"); }) == ErrorKind::damaged);
}

TEST_CASE("Claims beyond the data are refused before memory is taken") {
  const Folder folder;
  const auto kind = [&](const Bytes& file) {
    save(folder / "claim", file);
    return kind_of_error([&] { read_idx_images(folder / "claim"); });
  };
  CHECK(kind(with_word(kImages, 4, {0, 0, 0, 3})) == ErrorKind::damaged);
  CHECK(kind(with_word(kImages, 4, {0, 0, 0, 1})) == ErrorKind::damaged);
  CHECK(kind(with_word(kImages, 4, {0x0a, 0, 0, 0})) == ErrorKind::damaged);
  CHECK(kind(with_word(kImages, 4, {0xff, 0xff, 0xff, 0xff})) == ErrorKind::too_large);
  CHECK(kind(with_word(kImages, 4,
                       std::initializer_list<std::uint8_t>{255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
                                                           255, 255})) == ErrorKind::too_large);
  // 2^32 images of 2^32 pixels: a product that wraps to 0 in 64 bits.
  CHECK(kind(with_word(kImages, 4, {0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 4})) == ErrorKind::too_large);
  CHECK(kind(with_word(kImages, 8, {0, 0, 0, 0})) == ErrorKind::damaged);
}

TEST_CASE("A small gzip file that claims a gigabyte is refused by its size") {
  const Folder folder;
  const Bytes header_of_a_gigabyte = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x63,
                                      0x60, 0xe0, 0x60, 0xb4, 0xff, 0xff, 0xff, 0x03, 0x2b, 0x14, 0x00,
                                      0x00, 0xa4, 0xaf, 0xbe, 0xb7, 0x10, 0x00, 0x00, 0x00};
  save(folder / "claim", header_of_a_gigabyte);
  CHECK(kind_of_error([&] { read_idx_labels(folder / "claim"); }) == ErrorKind::damaged);
}

TEST_CASE("A missing file or a folder is an input error that names it") {
  const Folder folder;
  CHECK_THROWS_WITH(read_idx_images(folder / "absent.idx"), Catch::Contains("absent.idx"));
  CHECK(kind_of_error([&] { read_idx_labels(folder / "absent.idx"); }) == ErrorKind::io);
  CHECK(kind_of_error([&] { read_idx_labels(folder / "."); }) == ErrorKind::io);
}

TEST_CASE("A set that contradicts itself is not written") {
  const Folder folder;
  const auto kind = [&](const ImageSet& images) {
    return kind_of_error([&] { write_idx_images(folder / "set", images); });
  };
  CHECK(kind({2, 2, 2, Bytes(7)}) == ErrorKind::invalid_argument);
  CHECK(kind({2, 2, 0, {}}) == ErrorKind::invalid_argument);
  CHECK(kind({0, 2, std::size_t{1} << 33U, {}}) == ErrorKind::invalid_argument);
  CHECK(kind({std::size_t{1} << 62U, 2, 2, {}}) == ErrorKind::too_large);
  CHECK(folder.empty());
}
