#include "opaline/model/gradient_histogram.h"

#include <algorithm>
#include <cmath>
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

Pose pose_of(std::span<const std::uint8_t, kFeaturePixels> pixels) {
  // Moments of integers are exact in any order of summation.
  std::int64_t mass = 0;
  std::int64_t row_sum = 0;
  std::int64_t column_sum = 0;
  for (int r = 0; r < kSide; ++r) {
    for (int c = 0; c < kSide; ++c) {
      const int ink = pixels[static_cast<std::size_t>(r * kSide + c)];
      mass += ink;
      row_sum += r * ink;
      column_sum += c * ink;
    }
  }
  if (mass == 0) return {};
  Pose pose;
  pose.row = static_cast<double>(row_sum) / static_cast<double>(mass);
  pose.column = static_cast<double>(column_sum) / static_cast<double>(mass);
  double rows = 0;
  double mixed = 0;
  for (int r = 0; r < kSide; ++r) {
    for (int c = 0; c < kSide; ++c) {
      const double ink = pixels[static_cast<std::size_t>(r * kSide + c)];
      rows += ink * (r - pose.row) * (r - pose.row);
      mixed += ink * (r - pose.row) * (c - pose.column);
    }
  }
  rows /= static_cast<double>(mass);
  mixed /= static_cast<double>(mass);
  pose.shear = mixed / std::max(rows, kSmallestVariance);
  return pose;
}

}  // namespace

FeatureImage deskewed(std::span<const std::uint8_t, kFeaturePixels> pixels) {
  const Pose pose = pose_of(pixels);
  FeatureImage upright{};
  for (int r = 0; r < kSide; ++r) {
    const int source = static_cast<int>(std::floor(r + pose.row - kCentre + 0.5));
    if (source < 0 || source >= kSide) continue;
    const std::uint8_t* row = pixels.data() + source * kSide;
    const auto ink = [&](int column) {
      return column < 0 || column >= kSide ? 0.0 : double{1} * row[column];
    };
    for (int c = 0; c < kSide; ++c) {
      const double position = c + pose.shear * (r - kCentre) + (pose.column - kCentre);
      const double left = std::floor(position);
      const double part = position - left;
      const int column = static_cast<int>(left);
      const double value = (1 - part) * ink(column) + part * ink(column + 1);
      upright[static_cast<std::size_t>(r * kSide + c)] = static_cast<std::uint8_t>(value + 0.5);
    }
  }
  return upright;
}

std::vector<GradientVote> gradient_votes(const FeatureImage& image) {
  const auto ink = [&](int r, int c) -> int {
    return r < 0 || c < 0 || r >= kSide || c >= kSide ? 0 : image[static_cast<std::size_t>(r * kSide + c)];
  };
  std::vector<GradientVote> votes;
  votes.reserve(kFeaturePixels);
  for (int r = 0; r < kSide; ++r) {
    for (int c = 0; c < kSide; ++c) {
      const int across = ink(r, c + 1) - ink(r, c - 1);
      const int down = ink(r + 1, c) - ink(r - 1, c);
      if (across == 0 && down == 0) continue;
      const double size = std::sqrt(static_cast<double>(across * across + down * down)) / kWhite;
      const double angle = std::atan2(static_cast<double>(down), static_cast<double>(across));
      const double turn = (angle < 0 ? angle + 2 * std::numbers::pi : angle) *
                          (static_cast<double>(kDirections) / (2 * std::numbers::pi));
      const double direction = std::floor(turn);
      const double part = turn - direction;
      votes.push_back({static_cast<std::size_t>(r), static_cast<std::size_t>(c),
                       static_cast<std::size_t>(direction) % kDirections, size * (1 - part), size * part});
    }
  }
  return votes;
}

WindowGrid::WindowGrid(std::size_t side, double first_centre, double sigma)
    : side_(side), weights_(side * kFeatureImageSide) {
  const double step = 2 * (kCentre - first_centre) / static_cast<double>(side - 1);
  for (std::size_t i = 0; i < side; ++i) {
    const auto window = std::span(weights_).subspan(i * kFeatureImageSide, kFeatureImageSide);
    double sum = 0;
    for (std::size_t p = 0; p < kFeatureImageSide; ++p) {
      const double away = (static_cast<double>(p) - first_centre - static_cast<double>(i) * step) / sigma;
      window[p] = std::exp(-away * away / 2);
      sum += window[p];
    }
    for (double& weight : window) weight /= sum;
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
      for (std::size_t j = 0; j < side_; ++j) {
        const double weight = weights_[j * kFeatureImageSide + vote.column];
        here[j] += weight * vote.share;
        there[j] += weight * vote.next_share;
      }
    }
    for (std::size_t d = 0; d < kDirections; ++d) {
      for (std::size_t i = 0; i < side_; ++i) {
        const double weight = weights_[i * kFeatureImageSide + row];
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
