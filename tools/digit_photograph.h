#pragma once

#include <cstddef>
#include <filesystem>

#include "opaline/model/photograph.h"
#include "opaline/model/seeded_random.h"

namespace opaline {

/// What a digit is written with.
enum class Writing { pen_on_paper, chalk_on_board };

/// A picture of a digit as a telephone would take it: 220 to 280 pixels high, the digit anywhere in it, in
/// light that falls unevenly, blurred a little and with noise. Equal seeds give equal pictures.
GreyImage photograph_of_digit(std::size_t digit, Writing writing, SeededRandom& random);

/// Writes it as grey PNG. Error(io) naming the file.
void write_png(const std::filesystem::path& path, const GreyImage& picture);

}  // namespace opaline
