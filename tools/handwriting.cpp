#include "handwriting.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

namespace opaline {
namespace {

constexpr double kMiddle = 14;             // the pixel that gets the centre of mass
constexpr std::size_t kBox = 20;           // pixels that a digit fills, the longer way
constexpr std::size_t kFine = 8;           // fine cells a pixel, each way
constexpr std::size_t kStepsPerSpan = 12;  // straight pieces between two points of a stroke

struct Point {
  double x = 0;
  double y = 0;
};

Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
Point operator*(double s, Point a) { return {s * a.x, s * a.y}; }
double dot(Point a, Point b) { return a.x * b.x + a.y * b.y; }

// Where the pen is and how broad its line is there (the radius).
struct Ink {
  Point at;
  double radius = 0;
};
using Line = std::vector<Ink>;

// Slow waves over the plane: neighbouring points move alike, so lines bend and do not break.
class Bending {
 public:
  Bending(double size, SeededRandom& random) : size_(size) {
    for (double& phase : phases_) phase = random.uniform(0, 2 * std::numbers::pi);
  }
  Point operator()(Point p) const {
    return p + size_ * Point{std::sin(4 * p.y + phases_[0]) + 0.5 * std::sin(5 * p.x + phases_[1]),
                             std::sin(4 * p.x + phases_[2]) + 0.5 * std::sin(5 * p.y + phases_[3])};
  }

 private:
  double size_;
  std::array<double, 4> phases_{};
};

Point missed(const PenPoint& point, double unrest, SeededRandom& random) {
  return {point.x + random.uniform(-unrest, unrest), point.y + random.uniform(-unrest, unrest)};
}

// Cubic Hermite curve through the points, with Catmull and Rom's tangents where the pen does not turn
// sharply.
std::vector<Point> smooth(const PenStroke& stroke, double unrest, SeededRandom& random) {
  std::vector<Point> points;
  for (const PenPoint& point : stroke) points.push_back(missed(point, unrest, random));
  const auto tangent = [&](std::size_t i, std::size_t towards) {
    const bool end = i == 0 || i + 1 == points.size() || stroke[i].corner;
    if (!end) return 0.5 * (points[i + 1] - points[i - 1]);
    return towards > i ? points[towards] - points[i] : points[i] - points[towards];
  };
  std::vector<Point> curve = {points.front()};
  for (std::size_t i = 0; i + 1 < points.size(); ++i) {
    const Point leaving = tangent(i, i + 1);
    const Point arriving = tangent(i + 1, i);
    for (std::size_t step = 1; step <= kStepsPerSpan; ++step) {
      const double t = static_cast<double>(step) / kStepsPerSpan;
      const double u = 1 - t;
      curve.push_back(u * u * (1 + 2 * t) * points[i] + t * u * u * leaving +
                      t * t * (3 - 2 * t) * points[i + 1] - t * t * u * arriving);
    }
  }
  return curve;
}

std::vector<Line> write_strokes(const std::vector<PenStroke>& strokes, const Hand& hand,
                                SeededRandom& random) {
  const Bending bend(hand.waviness, random);
  const double slant = hand.slant + random.uniform(-0.08, 0.08);
  const double rotation = hand.rotation + random.uniform(-0.04, 0.04);
  const double width = hand.width * random.uniform(0.88, 1.12);
  const double sine = std::sin(rotation);
  const double cosine = std::cos(rotation);
  std::vector<Line> lines;
  for (const PenStroke& stroke : strokes) {
    const double beat = random.uniform(3, 7);
    const double phase = random.uniform(0, 2 * std::numbers::pi);
    Line& line = lines.emplace_back();
    const std::vector<Point> curve = smooth(stroke, hand.unrest, random);
    for (std::size_t i = 0; i < curve.size(); ++i) {
      const double way = static_cast<double>(i) / static_cast<double>(curve.size() - 1);
      const Point bent = bend(curve[i]);
      const Point leant = {width * bent.x + slant * (0.5 - bent.y), bent.y};
      const double lift = 1 - 0.35 * std::pow(way, 8);  // the pen leaves the paper
      line.push_back({{cosine * leant.x - sine * leant.y, sine * leant.x + cosine * leant.y},
                      hand.pen * lift * (1 + hand.pressure * std::sin(beat * way + phase))});
    }
  }
  return lines;
}

// Scales the ink to `box` pixels, the longer way, with its upper left corner at the origin.
void fit(std::vector<Line>& lines, std::size_t box) {
  constexpr double kFar = std::numeric_limits<double>::max();
  Point low = {kFar, kFar};
  Point high = {-kFar, -kFar};
  for (const Line& line : lines) {
    for (const Ink& ink : line) {
      low = {std::min(low.x, ink.at.x - ink.radius), std::min(low.y, ink.at.y - ink.radius)};
      high = {std::max(high.x, ink.at.x + ink.radius), std::max(high.y, ink.at.y + ink.radius)};
    }
  }
  const double scale = static_cast<double>(box) / std::max(high.x - low.x, high.y - low.y);
  for (Line& line : lines) {
    for (Ink& ink : line) ink = {scale * (ink.at - low), scale * ink.radius};
  }
}

// Black and white paper of kFine × kFine cells a pixel.
class Paper {
 public:
  explicit Paper(std::size_t pixels) : side_(pixels * kFine), cells_(side_ * side_) {}

  // Blackens every cell whose centre is within the radius of a piece of line.
  void blacken(const Ink& from, const Ink& to) {
    const double radius = std::max(from.radius, to.radius);
    const Point along = to.at - from.at;
    const double length = dot(along, along);
    for (std::size_t y = cell(std::min(from.at.y, to.at.y) - radius);
         y < cell(std::max(from.at.y, to.at.y) + radius + 1); ++y) {
      for (std::size_t x = cell(std::min(from.at.x, to.at.x) - radius);
           x < cell(std::max(from.at.x, to.at.x) + radius + 1); ++x) {
        const Point centre = {(static_cast<double>(x) + 0.5) / kFine, (static_cast<double>(y) + 0.5) / kFine};
        const double t = length > 0 ? std::clamp(dot(centre - from.at, along) / length, 0.0, 1.0) : 0.0;
        const Point away = centre - (from.at + t * along);
        const double reach = from.radius + t * (to.radius - from.radius);
        if (dot(away, away) <= reach * reach) cells_[y * side_ + x] = 1;
      }
    }
  }

  // Black share of a pixel, 0 … 255.
  std::uint8_t pixel(std::size_t row, std::size_t column) const {
    std::size_t black = 0;
    for (std::size_t y = row * kFine; y < (row + 1) * kFine; ++y) {
      for (std::size_t x = column * kFine; x < (column + 1) * kFine; ++x) black += cells_[y * side_ + x];
    }
    return static_cast<std::uint8_t>((black * 255 + kFine * kFine / 2) / (kFine * kFine));
  }

 private:
  std::size_t cell(double pixels) const {
    return static_cast<std::size_t>(std::clamp(pixels * kFine, 0.0, static_cast<double>(side_)));
  }

  std::size_t side_;
  std::vector<std::uint8_t> cells_;
};

Paper write_on_paper(const std::vector<PenStroke>& strokes, const Hand& hand, SeededRandom& random,
                     std::size_t pixels) {
  std::vector<Line> lines = write_strokes(strokes, hand, random);
  fit(lines, pixels);
  Paper paper(pixels);
  for (const Line& line : lines) {
    for (std::size_t i = 0; i + 1 < line.size(); ++i) paper.blacken(line[i], line[i + 1]);
  }
  return paper;
}

// Where the ink is along one axis.
class Extent {
 public:
  void add(std::size_t position, double ink) {
    mass_ += ink;
    moment_ += ink * static_cast<double>(position);
    if (ink > 0) {
      lowest_ = std::min(lowest_, position);
      highest_ = std::max(highest_, position);
    }
  }

  // How far the ink moves for its centre of mass to reach the middle pixel, in whole pixels and without
  // leaving the image.
  std::ptrdiff_t shift() const {
    const std::ptrdiff_t wanted = std::lround(kMiddle - moment_ / mass_);
    return std::clamp(wanted, -static_cast<std::ptrdiff_t>(lowest_),
                      static_cast<std::ptrdiff_t>(kDigitSide - 1 - highest_));
  }

 private:
  double mass_ = 0;
  double moment_ = 0;
  std::size_t lowest_ = kBox;
  std::size_t highest_ = 0;
};

DigitImage centred(const Paper& paper) {
  Extent vertical;
  Extent horizontal;
  for (std::size_t row = 0; row < kBox; ++row) {
    for (std::size_t column = 0; column < kBox; ++column) {
      vertical.add(row, paper.pixel(row, column));
      horizontal.add(column, paper.pixel(row, column));
    }
  }
  const auto moved = [](std::size_t position, const Extent& extent) {
    return static_cast<std::size_t>(static_cast<std::ptrdiff_t>(position) + extent.shift());
  };
  DigitImage image{};
  for (std::size_t row = 0; row < kBox; ++row) {
    for (std::size_t column = 0; column < kBox; ++column) {
      const std::uint8_t ink = paper.pixel(row, column);
      if (ink > 0) image[moved(row, vertical) * kDigitSide + moved(column, horizontal)] = ink;
    }
  }
  return image;
}

}  // namespace

Hand::Hand(SeededRandom& random)
    : slant(random.uniform(-0.25, 0.40)),
      rotation(random.uniform(-0.12, 0.12)),
      width(random.uniform(0.78, 1.30)),
      pen(random.uniform(0.040, 0.095)),
      pressure(random.uniform(0.05, 0.25)),
      waviness(random.uniform(0.010, 0.040)),
      unrest(random.uniform(0.015, 0.045)) {}

DigitImage draw(const std::vector<PenStroke>& strokes, const Hand& hand, SeededRandom& random) {
  return centred(write_on_paper(strokes, hand, random, kBox));
}

std::vector<std::uint8_t> draw_large(const std::vector<PenStroke>& strokes, const Hand& hand,
                                     SeededRandom& random, std::size_t side) {
  const Paper paper = write_on_paper(strokes, hand, random, side);
  std::vector<std::uint8_t> ink;
  for (std::size_t i = 0; i < side * side; ++i) ink.push_back(paper.pixel(i / side, i % side));
  return ink;
}

}  // namespace opaline
