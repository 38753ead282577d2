#include "camera.h"

#include <png.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numbers>
#include <stdexcept>

#include "opaline/model/seeded_random.h"

namespace opaline::test {
namespace {

constexpr std::size_t kSide = 28;

// Ink 0 … 1 at a place in the digit's pixels; nothing outside it.
double ink_at(std::span<const std::uint8_t> digit, double row, double column, bool smooth) {
  const auto pixel = [&](double r, double c) {
    const bool inside = r >= 0 && c >= 0 && r < kSide && c < kSide;
    return inside ? digit[static_cast<std::size_t>(r) * kSide + static_cast<std::size_t>(c)] / 255.0 : 0.0;
  };
  if (!smooth) return pixel(std::floor(row), std::floor(column));
  const double r = std::floor(row - 0.5);
  const double c = std::floor(column - 0.5);
  const double down = row - 0.5 - r;
  const double right = column - 0.5 - c;
  return (1 - down) * ((1 - right) * pixel(r, c) + right * pixel(r, c + 1)) +
         down * ((1 - right) * pixel(r + 1, c) + right * pixel(r + 1, c + 1));
}

// Normally distributed (Box, Muller).
double normal(SeededRandom& random) {
  const double radius = std::sqrt(-2 * std::log(1 - random.uniform()));
  return radius * std::cos(2 * std::numbers::pi * random.uniform());
}

}  // namespace

GreyImage photograph(std::span<const std::uint8_t> digit, const Shot& shot) {
  SeededRandom random(shot.seed);
  const std::size_t side = kSide * shot.enlargement;
  GreyImage picture{side + shot.border, side + 2 * shot.border, {}};
  const double paper = shot.dark_on_light ? shot.paper : shot.ink;
  const double ink = shot.dark_on_light ? shot.ink : shot.paper;
  const auto enlargement = static_cast<double>(shot.enlargement);
  const std::size_t top = shot.border / 4;
  const std::size_t left = shot.border / 2;
  for (std::size_t r = 0; r < picture.rows; ++r) {
    for (std::size_t c = 0; c < picture.columns; ++c) {
      const double row = (static_cast<double>(r) + 0.5 - static_cast<double>(top)) / enlargement;
      const double column = (static_cast<double>(c) + 0.5 - static_cast<double>(left)) / enlargement;
      const double x = static_cast<double>(r) / static_cast<double>(picture.rows) +
                       static_cast<double>(c) / static_cast<double>(picture.columns);
      const double light = 1 - shot.gradient * x * (3 - x) / 2;
      const double share = ink_at(digit, row, column, shot.smooth);
      const double value =
          light * (paper + share * (ink - paper)) + (shot.noise > 0 ? shot.noise * normal(random) : 0);
      picture.pixels.push_back(static_cast<std::uint8_t>(std::lround(std::clamp(value, 0.0, 255.0))));
    }
  }
  return picture;
}

Shot any_shot(std::uint64_t seed) {
  SeededRandom random(seed);
  Shot shot;
  shot.enlargement = 3 + random.below(18);
  shot.dark_on_light = random.below(3) != 0;
  shot.smooth = random.below(2) == 0;
  shot.border = random.below(10 * shot.enlargement);
  shot.paper = random.uniform(170, 250);
  shot.ink = random.uniform(10, 80);
  shot.gradient = random.uniform(0, 0.4);
  shot.noise = random.uniform(0, 8);
  shot.seed = random.next();
  return shot;
}

Bytes png_of(const GreyImage& picture) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(picture.columns);
  image.height = static_cast<png_uint_32>(picture.rows);
  image.format = PNG_FORMAT_GRAY;
  Bytes file(PNG_IMAGE_PNG_SIZE_MAX(image));
  png_alloc_size_t size = file.size();
  if (::png_image_write_to_memory(&image, file.data(), &size, 0, picture.pixels.data(), 0, nullptr) == 0) {
    throw std::runtime_error(image.message);
  }
  file.resize(size);
  return file;
}

double mean_difference(std::span<const std::uint8_t> a, std::span<const std::uint8_t> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += std::abs(a[i] - b[i]);
  return sum / static_cast<double>(a.size());
}

}  // namespace opaline::test
