#include "opaline/model/data/photograph.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numbers>
#include <optional>
#include <string>

#include "opaline/base/error.h"
#include "opaline/model/data/grey_field.h"
#include "opaline/model/data/paper.h"
#include "opaline/model/data/threshold.h"

namespace opaline {
namespace {

constexpr std::size_t kSide = 28;
constexpr std::size_t kBox = 20;        // pixels that MNIST's digits fill, the longer way
constexpr double kThinStroke = 1.8;     // pixels
constexpr double kMiddle = 14;          // the pixel that gets the centre of mass
constexpr std::size_t kWorkSide = 336;  // larger pictures are made smaller first
constexpr std::size_t kBlurShare = 56;  // of the shorter side: the width of the blur that noise is judged by

// Shares of the ink's own darkness, and multiples of the noise.
constexpr double kEdge = 0.15;
constexpr double kEdgeNoise = 3.0;
constexpr double kClearNoise = 2.0;
constexpr double kDarkNoise = 4.0;
constexpr double kLeastContrast = 8;  // grey levels
constexpr double kDarkInk = 0.9;      // the share of clear ink that is lighter than what becomes 255
constexpr double kLeastPart = 0.03;   // of the largest part's ink: smaller ones are dirt

[[noreturn]] void no_digit(const std::string& why) {
  throw Error(ErrorKind::invalid_argument,
              "no digit in the picture: " + why +
                  "; take one of a single digit with paper around it, dark on light or light on dark");
}

// Where anything is above 0.
std::optional<Box> ink_box(const GreyField& field) {
  return box_where(field, [&](std::size_t i) { return field.values[i] > 0; });
}

struct Place {
  double row = 0;
  double column = 0;
};

Place centre_of_mass(const GreyField& field) {
  Place sum;
  double mass = 0;
  for (std::size_t r = 0; r < field.rows; ++r) {
    for (std::size_t c = 0; c < field.columns; ++c) {
      mass += field.at(r, c);
      sum.row += field.at(r, c) * static_cast<double>(r);
      sum.column += field.at(r, c) * static_cast<double>(c);
    }
  }
  return {sum.row / mass, sum.column / mass};
}

GreyField field_of(const GreyImage& picture) {
  return {picture.rows, picture.columns, {picture.pixels.begin(), picture.pixels.end()}};
}

// By how much ink of this size moves for its centre to be in the middle, without leaving the image.
std::size_t shift(double centre, std::size_t size) {
  return static_cast<std::size_t>(
      std::clamp(std::lround(kMiddle - centre), 0L, static_cast<long>(kSide - size)));
}

// Light on black, within the box and centred as far as it can be.
bool is_finished(const GreyField& field) {
  if (field.rows != kSide || field.columns != kSide) return false;
  const std::optional<Box> box = ink_box(field);
  if (!box || box->rows() > kBox || box->columns() > kBox) return false;
  const Place centre = centre_of_mass(cut_to(*box, field));
  const auto is_near = [](std::size_t a, std::size_t b) { return a <= b + 1 && b <= a + 1; };
  return is_near(box->top, shift(centre.row, box->rows())) &&
         is_near(box->left, shift(centre.column, box->columns()));
}

GreyField reduced(const GreyField& field) {
  const std::size_t longer = std::max(field.rows, field.columns);
  if (longer <= kWorkSide) return field;
  const auto side = [&](std::size_t old) { return std::max<std::size_t>(1, old * kWorkSide / longer); };
  return resized(field, side(field.rows), side(field.columns));
}

// What the grey levels say about ink and noise.
struct Levels {
  double edge = 0;   // ink that belongs to clear ink is above this,
  double clear = 0;  // ink for certain above this,
  double dark = 0;   // and this is ink all over
};

Levels levels_of(const GreyField& ink) {
  double square = 0;
  std::size_t count = 0;
  std::vector<double> positive;
  for (const double value : ink.values) {
    if (value < 0) {
      square += value * value;
      ++count;
    } else {
      positive.push_back(value);
    }
  }
  if (positive.empty()) no_digit("it is blank");
  // Paper is as often below its mean as above it, ink never is.
  const double noise = count == 0 ? 0 : std::sqrt(square / static_cast<double>(count));
  Levels levels;
  levels.clear = threshold_between(positive).value;
  std::vector<double> clear_ink;
  std::copy_if(positive.begin(), positive.end(), std::back_inserter(clear_ink),
               [&](double value) { return value > levels.clear; });
  if (clear_ink.empty()) no_digit("it is blank");
  const auto mark =
      clear_ink.begin() + static_cast<std::ptrdiff_t>(kDarkInk * static_cast<double>(clear_ink.size() - 1));
  std::nth_element(clear_ink.begin(), mark, clear_ink.end());
  levels.dark = *mark;
  if (levels.dark < kLeastContrast || levels.clear < kClearNoise * noise ||
      levels.dark < kDarkNoise * noise) {
    no_digit("nothing stands out from the paper");
  }
  levels.edge = std::min(levels.clear, std::max(kEdge * levels.dark, kEdgeNoise * noise));
  return levels;
}

// A part of the ink that hangs together.
struct Part {
  std::vector<std::size_t> pixels;
  double ink = 0;
};

std::vector<Part> parts_of(const GreyField& ink, const Levels& levels) {
  std::vector<Part> parts;
  std::vector<bool> seen(ink.values.size(), false);
  for (std::size_t start = 0; start < seen.size(); ++start) {
    if (seen[start] || ink.values[start] <= levels.clear) continue;
    Part part;
    part.pixels.push_back(start);
    seen[start] = true;
    for (std::size_t next = 0; next < part.pixels.size(); ++next) {
      const std::size_t pixel = part.pixels[next];
      part.ink += ink.values[pixel];
      const std::size_t row = pixel / ink.columns;
      const std::size_t column = pixel % ink.columns;
      for (std::size_t r = row - std::min<std::size_t>(row, 1); r < std::min(ink.rows, row + 2); ++r) {
        for (std::size_t c = column - std::min<std::size_t>(column, 1); c < std::min(ink.columns, column + 2);
             ++c) {
          const std::size_t neighbour = r * ink.columns + c;
          if (seen[neighbour] || ink.values[neighbour] <= levels.edge) continue;
          seen[neighbour] = true;
          part.pixels.push_back(neighbour);
        }
      }
    }
    parts.push_back(std::move(part));
  }
  return parts;
}

// The digit alone, 0 … 1, dirt and paper exactly 0, cut to its box.
GreyField cut_out(const GreyField& ink) {
  const std::size_t radius = std::min(ink.rows, ink.columns) / kBlurShare / 2;
  const GreyField calm = blurred(ink, radius);
  const Levels levels = levels_of(calm);
  const std::vector<Part> parts = parts_of(calm, levels);
  double largest = 0;
  for (const Part& part : parts) largest = std::max(largest, part.ink);
  GreyField digit{ink.rows, ink.columns, std::vector<double>(ink.values.size())};
  for (const Part& part : parts) {
    if (part.ink < kLeastPart * largest) continue;
    for (const std::size_t pixel : part.pixels) {
      digit.values[pixel] = std::clamp(ink.values[pixel] / levels.dark, 0.0, 1.0);
    }
  }
  const std::optional<Box> box = ink_box(digit);
  if (!box) no_digit("nothing stands out from the paper");
  return cut_to(*box, digit);
}

// How broad the strokes are on average, in pixels: a stroke's outline is about twice its length. An outline
// along the grid's edges is 4/π too long, by the mean over directions.
double stroke_width(const GreyField& digit) {
  const auto is_ink = [&](std::size_t r, std::size_t c) {
    return r < digit.rows && c < digit.columns && digit.at(r, c) > 0.5;
  };
  double area = 0;
  double edges = 0;
  for (std::size_t r = 0; r < digit.rows; ++r) {
    for (std::size_t c = 0; c < digit.columns; ++c) {
      if (!is_ink(r, c)) continue;
      area += 1;
      for (const bool neighbour : {is_ink(r - 1, c), is_ink(r + 1, c), is_ink(r, c - 1), is_ink(r, c + 1)}) {
        edges += neighbour ? 0 : 1;
      }
    }
  }
  return edges > 0 ? 2 * area / (edges * std::numbers::pi / 4) : 0;
}

// A thin pen's strokes as broad as MNIST's thin ones, which would otherwise all but vanish in 20 pixels.
GreyField broadened(const GreyField& digit) {
  const double pixel = static_cast<double>(std::max(digit.rows, digit.columns)) / kBox;
  const double missing = kThinStroke * pixel - stroke_width(digit);
  return missing < 1 ? digit : widened(digit, static_cast<std::size_t>(std::lround(missing / 2)));
}

GreyField fitted(const GreyField& digit) {
  const std::size_t longer = std::max(digit.rows, digit.columns);
  const auto side = [&](std::size_t old) {
    return std::max<std::size_t>(1, (2 * old * kBox + longer) / (2 * longer));
  };
  return resized(digit, side(digit.rows), side(digit.columns));
}

// In whole grey levels up to 255, without the edges that they leave blank.
GreyField in_grey_levels(GreyField digit) {
  const double brightest = *std::max_element(digit.values.begin(), digit.values.end());
  for (double& value : digit.values) value = std::round(255 * value / brightest);
  return cut_to(ink_box(digit).value(), digit);
}

ImageSet centred(const GreyField& digit) {
  const Place centre = centre_of_mass(digit);
  const std::size_t down = shift(centre.row, digit.rows);
  const std::size_t right = shift(centre.column, digit.columns);
  ImageSet image{1, kSide, kSide, std::vector<std::uint8_t>(kSide * kSide)};
  for (std::size_t r = 0; r < digit.rows; ++r) {
    for (std::size_t c = 0; c < digit.columns; ++c) {
      image.pixels[(r + down) * kSide + c + right] = static_cast<std::uint8_t>(digit.at(r, c));
    }
  }
  return image;
}

}  // namespace

ImageSet digit_from(const GreyImage& picture) {
  if (picture.pixels.empty() || picture.pixels.size() != picture.rows * picture.columns) {
    throw Error(ErrorKind::invalid_argument,
                "a picture's pixels are as many as its rows and columns say, and some");
  }
  const GreyField field = field_of(picture);
  if (is_finished(field)) return {1, kSide, kSide, picture.pixels};
  return centred(in_grey_levels(fitted(broadened(cut_out(without_paper(without_frame(reduced(field))))))));
}

}  // namespace opaline
