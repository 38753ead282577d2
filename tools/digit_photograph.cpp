#include "digit_photograph.h"

#include <png.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "digit_strokes.h"
#include "handwriting.h"
#include "opaline/base/error.h"
#include "opaline/base/file.h"

namespace opaline {
namespace {

// Grey levels of what is written on and of what is written.
struct Shades {
  double ground = 0;
  double ink = 0;
};

constexpr Shades shades_of(Writing writing) {
  return writing == Writing::pen_on_paper ? Shades{225, 55} : Shades{60, 215};
}

constexpr double kNoise = 3;           // grey levels, standard deviation
constexpr double kLightFalloff = 0.3;  // at most, from the middle to a corner

// Light over the picture, 1 in the middle: a slope and a darkening towards the corners.
class Light {
 public:
  explicit Light(SeededRandom& random)
      : direction_(random.uniform(0, 2 * std::numbers::pi)),
        slope_(random.uniform(0.1, 0.5) * kLightFalloff) {}

  // x and y from -1 to 1.
  double operator()(double x, double y) const {
    return 1 + slope_ * (std::cos(direction_) * x + std::sin(direction_) * y) -
           (kLightFalloff / 2 - slope_ / 2) * (x * x + y * y) / 2;
  }

 private:
  double direction_;
  double slope_;
};

// Normally distributed (Box, Muller).
double normal(SeededRandom& random) {
  const double radius = std::sqrt(-2 * std::log(1 - random.uniform()));
  return radius * std::cos(2 * std::numbers::pi * random.uniform());
}

// A share of ink with that of its neighbours: the lens is not perfectly sharp.
double soft(const std::vector<std::uint8_t>& ink, std::size_t side, std::ptrdiff_t row,
            std::ptrdiff_t column) {
  const auto end = static_cast<std::ptrdiff_t>(side);
  double sum = 0;
  for (std::ptrdiff_t r = row - 1; r <= row + 1; ++r) {
    for (std::ptrdiff_t c = column - 1; c <= column + 1; ++c) {
      if (r < 0 || c < 0 || r >= end || c >= end) continue;
      const double weight = (r == row ? 2 : 1) * (c == column ? 2 : 1);
      sum += weight * ink[static_cast<std::size_t>(r * end + c)];
    }
  }
  return sum / (16 * 255);
}

}  // namespace

GreyImage photograph_of_digit(std::size_t digit, Writing writing, SeededRandom& random) {
  const Hand hand(random);
  const std::vector<PenStroke> strokes = choose_digit_strokes(digit, random);
  const std::size_t side = 120 + random.below(40);
  const std::vector<std::uint8_t> ink = draw_large(strokes, hand, random, side);
  GreyImage picture{220 + random.below(61), 190 + random.below(21), {}};
  const auto top = static_cast<std::ptrdiff_t>(15 + random.below(picture.rows - side - 30));
  const auto left = static_cast<std::ptrdiff_t>(10 + random.below(picture.columns - side - 20));
  const Light light(random);
  const Shades shades = shades_of(writing);
  for (std::size_t r = 0; r < picture.rows; ++r) {
    for (std::size_t c = 0; c < picture.columns; ++c) {
      const double y = 2 * static_cast<double>(r) / static_cast<double>(picture.rows) - 1;
      const double x = 2 * static_cast<double>(c) / static_cast<double>(picture.columns) - 1;
      const double share =
          soft(ink, side, static_cast<std::ptrdiff_t>(r) - top, static_cast<std::ptrdiff_t>(c) - left);
      const double grey =
          light(x, y) * (shades.ground + share * (shades.ink - shades.ground)) + kNoise * normal(random);
      picture.pixels.push_back(static_cast<std::uint8_t>(std::lround(std::clamp(grey, 0.0, 255.0))));
    }
  }
  return picture;
}

void write_png(const std::filesystem::path& path, const GreyImage& picture) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.columns);
  image.height = static_cast<png_uint_32>(picture.rows);
  image.format = PNG_FORMAT_GRAY;
  Bytes file(PNG_IMAGE_PNG_SIZE_MAX(image));
  png_alloc_size_t size = file.size();
  if (::png_image_write_to_memory(&image, file.data(), &size, 0, picture.pixels.data(), 0, nullptr) == 0) {
    throw Error(ErrorKind::fault, path.string() + ": libpng cannot encode it: " + image.message);
  }
  file.resize(size);
  write_file(path, file, FileMode::everyone);
}

}  // namespace opaline
