#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

namespace opaline {

/// 8-bit grey images of one size.
struct ImageSet {
  std::size_t count = 0;
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<std::uint8_t> pixels;  ///< count × rows × columns

  std::size_t image_size() const { return rows * columns; }
  std::span<const std::uint8_t> operator[](std::size_t i) const {
    return std::span(pixels).subspan(i * image_size(), image_size());
  }
};

/// Reads an IDX file of images (magic 0x00000803) or of labels (0x00000801), plain or gzip (found by
/// content). At most 1 GiB uncompressed; the sizes of the header are checked against the data before memory
/// is taken. Error(io), Error(damaged) or Error(too_large), naming the file.
ImageSet read_idx_images(const std::filesystem::path& path);
std::vector<std::uint8_t> read_idx_labels(const std::filesystem::path& path);

/// Writes them, gzip-compressed if the name ends in ".gz".
void write_idx_images(const std::filesystem::path& path, const ImageSet& images);
void write_idx_labels(const std::filesystem::path& path, std::span<const std::uint8_t> labels);

}  // namespace opaline
