#include "commands/digit_art.h"

#include <algorithm>
#include <cmath>
#include <string_view>

namespace opaline::tools {
namespace {

constexpr std::string_view kShades = " .:-=+*#%@";
constexpr std::size_t kRowsACharacter = 2;
constexpr unsigned kBrightest = 255;

}  // namespace

std::string text_art(std::span<const std::uint8_t> pixels, std::size_t rows, std::size_t columns) {
  std::string art;
  for (std::size_t top = 0; top < rows; top += kRowsACharacter) {
    const std::size_t bottom = std::min(top + kRowsACharacter, rows);
    std::string line;
    for (std::size_t column = 0; column < columns; ++column) {
      std::size_t sum = 0;
      for (std::size_t row = top; row < bottom; ++row) sum += pixels[row * columns + column];
      line += kShades[sum * (kShades.size() - 1) / ((bottom - top) * kBrightest)];
    }
    line.erase(line.find_last_not_of(' ') + 1);
    art += line + '\n';
  }
  return art;
}

std::string text_bar(double share, std::size_t width) {
  const double length = std::round(std::clamp(share, 0.0, 1.0) * static_cast<double>(width));
  return std::string(static_cast<std::size_t>(length), '#');
}

}  // namespace opaline::tools
