#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace opaline::tools {

/// A grey image as text: one character for every two rows, since characters are twice as high as wide. Dark
/// stays blank, as in MNIST, where the pen is bright.
std::string text_art(std::span<const std::uint8_t> pixels, std::size_t rows, std::size_t columns);

/// A bar of up to `width` characters for a share in [0, 1].
std::string text_bar(double share, std::size_t width);

}  // namespace opaline::tools
