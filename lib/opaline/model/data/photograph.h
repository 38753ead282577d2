#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <vector>

#include "opaline/model/data/dataset.h"

namespace opaline {

/// An 8-bit grey picture.
struct GreyImage {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<std::uint8_t> pixels;  ///< rows × columns, row by row; 0 is black
};

/// Largest picture file accepted, 64 MiB, and the largest pictures: 32768 pixels a side, 2^26 in all.
inline constexpr std::size_t kPictureFileLimit = std::size_t{64} << 20;
inline constexpr std::size_t kLongestPictureSide = std::size_t{1} << 15;
inline constexpr std::size_t kMostPicturePixels = std::size_t{1} << 26;

/// Reads a PNG file (8 or 16 bits or a palette; grey or colour, with or without transparency, which is laid
/// on white; interlaced or not). Every chunk's checksum is checked, and sizes before memory is taken.
/// Error(io), Error(damaged) or Error(too_large), naming the file.
GreyImage read_png(const std::filesystem::path& path);

/// The digit in a picture, dark on light or light on dark, as one image like MNIST's (Y. LeCun, C. Cortes,
/// C. J. C. Burges): 28×28, ink up to 255 on paper of exactly 0, scaled to fit 20×20 with its shape kept, its
/// centre of mass in the middle, as far as it then stays in the image. Strokes much thinner than MNIST's are
/// broadened. Light may fall unevenly but without sharp shadows; the paper has to be the larger part of the
/// picture. A picture that is such an image already comes back as it is. Error(invalid_argument) if nothing
/// stands out from the paper.
ImageSet digit_from(const GreyImage& picture);

}  // namespace opaline
