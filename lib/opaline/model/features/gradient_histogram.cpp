#include "opaline/model/features/gradient_histogram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <numbers>

namespace opaline {
namespace {

constexpr auto kSide = static_cast<int>(kFeatureImageSide);
constexpr double kCentre = (kFeatureImageSide - 1) / 2.0;
constexpr double kSmallestVariance = 1e-3;  // of the rows: one row alone is not sheared
constexpr double kSmallestMean = 1e-6;
constexpr double kWhite = 255.0;

// Where the ink is, and how far it leans: columns a row.
struct Pose {
  double row = kCentre;
  double column = kCentre;
  double shear = 0.0;
};

// The columns of a row that hold ink: first … last − 1.
struct Extent {
  int first = 0;
  int last = 0;
};

Extent extent_of(const std::uint8_t* row) {
  Extent extent{0, kSide};
  while (extent.first < kSide && row[extent.first] == 0) ++extent.first;
  while (extent.last > extent.first && row[extent.last - 1] == 0) --extent.last;
  return extent;
}

using Extents = std::array<Extent, kSide>;

Pose pose_of(std::span<const std::uint8_t, kFeaturePixels> pixels, const Extents& extents) {
  const auto for_each_ink = [&](const auto& action) {
    for (int r = 0; r < kSide; ++r) {
      const Extent extent = extents[static_cast<std::size_t>(r)];
      for (int c = extent.first; c < extent.last; ++c) {
        action(r, c, pixels[static_cast<std::size_t>(r * kSide + c)]);
      }
    }
  };
  // Moments of integers are exact in any order of summation.
  std::int64_t mass = 0;
  std::int64_t row_sum = 0;
  std::int64_t column_sum = 0;
  for_each_ink([&](int r, int c, int ink) {
    mass += ink;
    row_sum += r * ink;
    column_sum += c * ink;
  });
  if (mass == 0) return {};
  Pose pose;
  pose.row = static_cast<double>(row_sum) / static_cast<double>(mass);
  pose.column = static_cast<double>(column_sum) / static_cast<double>(mass);
  double rows = 0;
  double mixed = 0;
  for_each_ink([&](int r, int c, double ink) {
    rows += ink * (r - pose.row) * (r - pose.row);
    mixed += ink * (r - pose.row) * (c - pose.column);
  });
  rows /= static_cast<double>(mass);
  mixed /= static_cast<double>(mass);
  pose.shear = mixed / std::max(rows, kSmallestVariance);
  return pose;
}

// std::floor is a call where the processor is not known to have an instruction for it.
int floor_of(double x) {
  const int towards_zero = static_cast<int>(x);
  return x < towards_zero ? towards_zero - 1 : towards_zero;
}

// Directions of gradients in units of one bin, for the 256 × 256 magnitudes that there are: an arctangent
// takes longer than all else.
class Directions {
 public:
  Directions() : turns_(kMagnitudes * kMagnitudes) {
    for (std::size_t down = 0; down < kMagnitudes; ++down) {
      for (std::size_t across = 0; across < kMagnitudes; ++across) {
        turns_[down * kMagnitudes + across] =
            std::atan2(static_cast<double>(down), static_cast<double>(across)) * kBinsARadian;
      }
    }
  }

  // In [0, 8), for any gradient but that of no length.
  double operator()(int across, int down) const {
    constexpr double kHalfTurn = kDirections / 2.0;
    const double turn = turns_[static_cast<std::size_t>(std::abs(down)) * kMagnitudes +
                               static_cast<std::size_t>(std::abs(across))];
    const double upper = across < 0 ? kHalfTurn - turn : turn;
    return down < 0 ? 2 * kHalfTurn - upper : upper;
  }

 private:
  static constexpr std::size_t kMagnitudes = 256;
  static constexpr double kBinsARadian = kDirections / (2 * std::numbers::pi);

  std::vector<double> turns_;
};

}  // namespace

FeatureImage deskewed(std::span<const std::uint8_t, kFeaturePixels> pixels) {
  Extents extents;
  for (int r = 0; r < kSide; ++r) extents[static_cast<std::size_t>(r)] = extent_of(pixels.data() + r * kSide);
  const Pose pose = pose_of(pixels, extents);
  FeatureImage upright{};
  for (int r = 0; r < kSide; ++r) {
    const int source = floor_of(r + pose.row - kCentre + 0.5);
    if (source < 0 || source >= kSide) continue;
    const Extent extent = extents[static_cast<std::size_t>(source)];
    if (extent.first == extent.last) continue;
    // Zeros on both sides, so that every position has two pixels.
    std::array<double, kSide + 4> line{};
    std::copy_n(pixels.data() + source * kSide, kSide, line.begin() + 2);
    // Only positions between the pixels around the ink can have any; one more on each side for rounding.
    const double shift = pose.shear * (r - kCentre) + (pose.column - kCentre);
    const double first = std::clamp(extent.first - 2 - shift, 0.0, double{kSide});
    const double last = std::clamp(extent.last + 2 - shift, 0.0, double{kSide});
    for (int c = static_cast<int>(first); c < static_cast<int>(last); ++c) {
      const double position = c + pose.shear * (r - kCentre) + (pose.column - kCentre);
      const int column = floor_of(position);
      const double part = position - column;
      const double* left = line.data() + std::clamp(column, -2, kSide) + 2;
      const double value = (1 - part) * left[0] + part * left[1];
      upright[static_cast<std::size_t>(r * kSide + c)] = static_cast<std::uint8_t>(value + 0.5);
    }
  }
  return upright;
}

std::vector<GradientVote> gradient_votes(const FeatureImage& image) {
  static const Directions turn_of;
  constexpr int kPadded = kSide + 2;
  std::array<int, kPadded * kPadded> padded{};  // with zeros around the image
  for (int r = 0; r < kSide; ++r) {
    std::copy_n(image.data() + r * kSide, kSide, padded.begin() + (r + 1) * kPadded + 1);
  }
  std::vector<GradientVote> votes;
  votes.reserve(kFeaturePixels);
  for (int r = 0; r < kSide; ++r) {
    for (int c = 0; c < kSide; ++c) {
      const int* ink = padded.data() + (r + 1) * kPadded + c + 1;
      const int across = ink[1] - ink[-1];
      const int down = ink[kPadded] - ink[-kPadded];
      if (across == 0 && down == 0) continue;
      const double size = std::sqrt(static_cast<double>(across * across + down * down)) / kWhite;
      const double turn = turn_of(across, down);
      const int direction = floor_of(turn);
      const double part = turn - direction;
      votes.push_back({static_cast<std::size_t>(r), static_cast<std::size_t>(c),
                       static_cast<std::size_t>(direction) % kDirections, size * (1 - part), size * part});
    }
  }
  return votes;
}

WindowGrid::WindowGrid(std::size_t side, double first_centre, double sigma)
    : side_(side), by_position_(side * kFeatureImageSide) {
  const double step = 2 * (kCentre - first_centre) / static_cast<double>(side - 1);
  for (std::size_t i = 0; i < side; ++i) {
    const auto weight = [&](std::size_t p) -> double& { return by_position_[p * side + i]; };
    double sum = 0;
    for (std::size_t p = 0; p < kFeatureImageSide; ++p) {
      const double away = (static_cast<double>(p) - first_centre - static_cast<double>(i) * step) / sigma;
      weight(p) = std::exp(-away * away / 2);
      sum += weight(p);
    }
    for (std::size_t p = 0; p < kFeatureImageSide; ++p) weight(p) /= sum;
  }
}

std::vector<double> WindowGrid::histograms(std::span<const GradientVote> votes) const {
  std::vector<double> pooled(size());
  std::vector<double> row_sums(kDirections * side_);  // of one row: direction × window along the columns
  for (std::size_t next = 0; next < votes.size();) {
    const std::size_t row = votes[next].row;
    std::fill(row_sums.begin(), row_sums.end(), 0.0);
    for (; next < votes.size() && votes[next].row == row; ++next) {
      const GradientVote& vote = votes[next];
      double* here = row_sums.data() + vote.direction * side_;
      double* there = row_sums.data() + (vote.direction + 1) % kDirections * side_;
      const double* weights = by_position_.data() + vote.column * side_;
      for (std::size_t j = 0; j < side_; ++j) {
        here[j] += weights[j] * vote.share;
        there[j] += weights[j] * vote.next_share;
      }
    }
    for (std::size_t d = 0; d < kDirections; ++d) {
      for (std::size_t i = 0; i < side_; ++i) {
        const double weight = by_position_[row * side_ + i];
        double* sums = pooled.data() + (d * side_ + i) * side_;
        for (std::size_t j = 0; j < side_; ++j) sums[j] += weight * row_sums[d * side_ + j];
      }
    }
  }
  double mean = 0;
  for (const double sum : pooled) mean += sum;
  mean /= static_cast<double>(pooled.size());
  const double scale = 1 / std::sqrt(mean + kSmallestMean);
  for (double& value : pooled) value = std::sqrt(value) * scale;
  return pooled;
}

}  // namespace opaline
