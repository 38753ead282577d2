#include "opaline/model/data/dataset.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <new>
#include <string>
#include <tuple>
#include <utility>

#include "opaline/base/bytes.h"
#include "opaline/base/error.h"
#include "opaline/base/file.h"

namespace opaline {
namespace {

// Layout (Y. LeCun, "The MNIST database"): a big-endian u32 that is 0x0800 + number of dimensions, one u32 a
// dimension, then the unsigned bytes, last dimension fastest.
constexpr std::uint32_t kByteElements = 0x0800;
constexpr std::size_t kWord = 4;
constexpr std::size_t kLimit = std::size_t{1} << 30;

// What no deflate stream exceeds (zlib's technical notes), so a small file cannot make us take much memory.
constexpr std::size_t kLargestDeflateRatio = 1032;

template <std::size_t dimensions>
using Header = std::array<std::uint8_t, kWord*(1 + dimensions)>;

template <std::size_t dimensions>
using Sizes = std::array<std::size_t, dimensions>;

[[noreturn]] void damaged(const std::string& name, const std::string& what) {
  throw Error(ErrorKind::damaged, name + ": not an intact IDX file: " + what);
}

std::uint32_t big_endian(ByteView word) {
  std::uint32_t value = 0;
  for (const std::uint8_t byte : word.first(kWord)) value = value << 8U | byte;
  return value;
}

void put_big_endian(std::span<std::uint8_t> word, std::size_t value) {
  for (std::size_t i = 0; i < kWord; ++i) word[i] = static_cast<std::uint8_t>(value >> (8 * (kWord - 1 - i)));
}

// Product of the sizes; what does not fit the limit comes out as more than the limit, never wrapped.
std::size_t product(std::span<const std::size_t> sizes) {
  if (std::find(sizes.begin(), sizes.end(), 0U) != sizes.end()) return 0;
  std::size_t result = 1;
  for (const std::size_t size : sizes) {
    if (size > kLimit / result) return kLimit + 1;
    result *= size;
  }
  return result;
}

template <std::size_t dimensions>
Sizes<dimensions> parse_header(const Header<dimensions>& header, const std::string& name) {
  if (big_endian(header) != kByteElements + dimensions) {
    damaged(name, std::string("it does not open with the magic number of ") +
                      (dimensions == 1 ? "labels (0x00000801)" : "images (0x00000803)"));
  }
  Sizes<dimensions> sizes{};
  for (std::size_t i = 0; i < dimensions; ++i)
    sizes[i] = big_endian(ByteView(header).subspan(kWord * (i + 1)));
  for (std::size_t i = 1; i < dimensions; ++i) {
    if (sizes[i] == 0) damaged(name, "its images have no pixels");
  }
  if (product(sizes) > kLimit) {
    throw Error(ErrorKind::too_large, name + ": claims more than the 1 GiB that an IDX file may hold");
  }
  return sizes;
}

// A gzip member inflated from memory, piece by piece.
class Inflater {
 public:
  Inflater(ByteView compressed, const std::string& name) : name_(name) {
    // zlib's interface is not const-correct; it only reads the input.
    stream_.next_in = const_cast<Bytef*>(compressed.data());  // NOLINT(cppcoreguidelines-pro-type-const-cast)
    stream_.avail_in = static_cast<uInt>(compressed.size());
    if (::inflateInit2(&stream_, MAX_WBITS + 16) != Z_OK) throw Error(ErrorKind::fault, "zlib cannot start");
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { ::inflateEnd(&stream_); }

  // Fills the buffer, or finds the file damaged.
  void read(std::span<std::uint8_t> buffer) {
    if (inflate_into(buffer) != buffer.size()) damaged(name_, "the gzip data end before the elements do");
  }

  // The member ends here with the right checksum, and nothing follows it.
  void finish() {
    std::array<std::uint8_t, 1> surplus{};
    if (inflate_into(surplus) != 0) damaged(name_, "it holds more elements than its header says");
    if (!ended_) damaged(name_, "the gzip data are truncated");
    if (stream_.avail_in != 0) damaged(name_, "something follows the gzip data");
  }

 private:
  std::size_t inflate_into(std::span<std::uint8_t> buffer) {
    stream_.next_out = buffer.data();
    stream_.avail_out = static_cast<uInt>(buffer.size());
    while (!ended_ && stream_.avail_out != 0) {
      const int status = ::inflate(&stream_, Z_NO_FLUSH);
      if (status == Z_MEM_ERROR) throw std::bad_alloc();
      if (status == Z_BUF_ERROR) break;  // out of input
      if (status != Z_OK && status != Z_STREAM_END) damaged(name_, "the gzip data are altered");
      ended_ = status == Z_STREAM_END;
    }
    return buffer.size() - stream_.avail_out;
  }

  const std::string& name_;
  z_stream stream_{};
  bool ended_ = false;
};

template <std::size_t dimensions>
struct Contents {
  Sizes<dimensions> sizes{};
  std::vector<std::uint8_t> elements;
};

template <std::size_t dimensions>
Contents<dimensions> from_gzip(ByteView file, const std::string& name) {
  Inflater inflater(file, name);
  Header<dimensions> header{};
  inflater.read(header);
  Contents<dimensions> contents;
  contents.sizes = parse_header<dimensions>(header, name);
  const std::size_t size = product(contents.sizes);
  if (size / kLargestDeflateRatio > file.size())
    damaged(name, "it claims more elements than its size can hold");
  contents.elements.resize(size);
  inflater.read(contents.elements);
  inflater.finish();
  return contents;
}

template <std::size_t dimensions>
Contents<dimensions> from_plain(ByteView file, const std::string& name) {
  Header<dimensions> header{};
  if (file.size() < header.size()) damaged(name, "it is shorter than the header");
  std::copy_n(file.begin(), header.size(), header.begin());
  Contents<dimensions> contents;
  contents.sizes = parse_header<dimensions>(header, name);
  const ByteView elements = file.subspan(header.size());
  if (elements.size() != product(contents.sizes)) {
    damaged(name, "it holds " + std::to_string(elements.size()) +
                      " bytes of elements where its header says " + std::to_string(product(contents.sizes)));
  }
  contents.elements.assign(elements.begin(), elements.end());
  return contents;
}

template <std::size_t dimensions>
Contents<dimensions> read_idx(const std::filesystem::path& path) {
  const Bytes file = read_file(path, kLimit + std::tuple_size_v<Header<dimensions>>);
  const bool gzip = file.size() >= 2 && file[0] == 0x1f && file[1] == 0x8b;
  return gzip ? from_gzip<dimensions>(file, path.string()) : from_plain<dimensions>(file, path.string());
}

// zlib writes no name and the time 0, so equal contents give equal files.
Bytes gzip(ByteView plain) {
  z_stream stream{};
  if (::deflateInit2(&stream, Z_BEST_COMPRESSION, Z_DEFLATED, MAX_WBITS + 16, MAX_MEM_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK) {
    throw Error(ErrorKind::fault, "zlib cannot start");
  }
  Bytes packed(::deflateBound(&stream, static_cast<uLong>(plain.size())));
  stream.next_in = const_cast<Bytef*>(plain.data());  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = packed.data();
  stream.avail_out = static_cast<uInt>(packed.size());
  const int status = ::deflate(&stream, Z_FINISH);
  packed.resize(packed.size() - stream.avail_out);
  ::deflateEnd(&stream);
  if (status != Z_STREAM_END) throw Error(ErrorKind::fault, "zlib did not finish");
  return packed;
}

template <std::size_t dimensions>
void write_idx(const std::filesystem::path& path, const Sizes<dimensions>& sizes, ByteView elements) {
  for (std::size_t i = 1; i < dimensions; ++i) {
    if (sizes[i] == 0 || sizes[i] > kLimit) {
      throw Error(ErrorKind::invalid_argument,
                  path.string() + ": an IDX file cannot hold images of such a size");
    }
  }
  if (product(sizes) > kLimit) {
    throw Error(ErrorKind::too_large, path.string() + ": more than the 1 GiB that an IDX file may hold");
  }
  if (product(sizes) != elements.size()) {
    throw Error(ErrorKind::invalid_argument, path.string() + ": sizes and elements do not match");
  }
  Bytes file(std::tuple_size_v<Header<dimensions>>);
  put_big_endian(file, kByteElements + dimensions);
  for (std::size_t i = 0; i < dimensions; ++i) {
    put_big_endian(std::span(file).subspan(kWord * (i + 1)), sizes[i]);
  }
  file.insert(file.end(), elements.begin(), elements.end());
  write_file(path, path.extension() == ".gz" ? gzip(file) : file, FileMode::everyone);
}

}  // namespace

ImageSet read_idx_images(const std::filesystem::path& path) {
  Contents<3> contents = read_idx<3>(path);
  const auto [count, rows, columns] = contents.sizes;
  return {count, rows, columns, std::move(contents.elements)};
}

std::vector<std::uint8_t> read_idx_labels(const std::filesystem::path& path) {
  return std::move(read_idx<1>(path).elements);
}

void write_idx_images(const std::filesystem::path& path, const ImageSet& images) {
  write_idx<3>(path, {images.count, images.rows, images.columns}, images.pixels);
}

void write_idx_labels(const std::filesystem::path& path, std::span<const std::uint8_t> labels) {
  write_idx<1>(path, {labels.size()}, labels);
}

}  // namespace opaline
