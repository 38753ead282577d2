#include "opaline/model/data/paper.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "opaline/model/data/threshold.h"

namespace opaline {
namespace {

constexpr int kTerms = 6;
constexpr std::size_t kFitSide = 48;  // enough places for six numbers
constexpr int kFitRounds = 30;
constexpr double kSmallestResidual = 0.5;  // grey levels, below which all places count the same
constexpr double kTwoLevels = 0.8;         // of the variance
constexpr double kFrameBorder = 0.98;      // of the picture's border is ground, at least,
constexpr double kSheetBorder = 0.95;      // and of the border of what lies on it is sheet
constexpr double kDigitGap = 0.5;          // of that between ground and sheet, between sheet and digit
constexpr std::size_t kFrameEdge = 32;     // the share of the sheet's shorter side that is cut off with it
constexpr double kDarkestLight = 0.25;     // of the mean: differences are not enlarged more than its inverse

using Terms = Eigen::Matrix<double, kTerms, 1>;

Terms terms_at(const GreyField& field, std::size_t row, std::size_t column) {
  const double y = (2 * static_cast<double>(row) + 1) / static_cast<double>(field.rows) - 1;
  const double x = (2 * static_cast<double>(column) + 1) / static_cast<double>(field.columns) - 1;
  Terms terms;
  terms << 1, x, y, x * x, x * y, y * y;
  return terms;
}

// Least sum of absolute residuals (iteratively reweighted least squares): ink, the smaller part, does not
// draw the surface away from the paper as it would with squares. Places that count for nothing are left out.
Terms fit_surface(const GreyField& field, const std::vector<double>& counts) {
  Terms surface = Terms::Zero();
  std::vector<double> weights = counts;
  for (int round = 0; round < kFitRounds; ++round) {
    Eigen::Matrix<double, kTerms, kTerms> matrix = 1e-9 * Eigen::Matrix<double, kTerms, kTerms>::Identity();
    Terms right = Terms::Zero();
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const Terms terms = terms_at(field, i / field.columns, i % field.columns);
      matrix += weights[i] * terms * terms.transpose();
      right += weights[i] * field.values[i] * terms;
    }
    surface = matrix.ldlt().solve(right);
    for (std::size_t i = 0; i < weights.size(); ++i) {
      const double paper = surface.dot(terms_at(field, i / field.columns, i % field.columns));
      weights[i] = counts[i] / std::max(std::abs(field.values[i] - paper), kSmallestResidual);
    }
  }
  return surface;
}

template <typename Is>
double share_on_border(const Box& box, const Is& is) {
  std::size_t all = 0;
  std::size_t found = 0;
  for (std::size_t r = box.top; r < box.bottom; ++r) {
    const bool whole = r == box.top || r + 1 == box.bottom;
    for (std::size_t c = box.left; c < box.right;
         c += whole ? 1 : std::max<std::size_t>(box.columns() - 1, 1)) {
      ++all;
      found += is(r, c) ? 1U : 0U;
    }
  }
  return static_cast<double>(found) / static_cast<double>(all);
}

// The two levels of a picture that clearly has two. Even light and even noise come nowhere near: their
// thresholds explain 3/4 and 2/π of the variance.
struct TwoLevels {
  std::vector<bool> outer;  ///< where a place has the level that most of the border has
  double border = 0;        ///< the share of the border that has it
  double gap = 0;           ///< between the two
};

std::optional<TwoLevels> two_levels_of(const GreyField& field) {
  const Threshold threshold = threshold_between(field.values);
  if (threshold.explained < kTwoLevels) return std::nullopt;
  TwoLevels levels;
  levels.gap = threshold.gap;
  for (const double value : field.values) levels.outer.push_back(value > threshold.value);
  levels.border = share_on_border({0, field.rows, 0, field.columns}, [&](std::size_t r, std::size_t c) {
    return levels.outer[r * field.columns + c];
  });
  if (levels.border < 0.5) {
    levels.outer.flip();
    levels.border = 1 - levels.border;
  }
  return levels;
}

}  // namespace

GreyField without_frame(const GreyField& picture) {
  const std::optional<TwoLevels> levels = two_levels_of(picture);
  if (!levels || levels->border < kFrameBorder) return picture;
  Box inner = box_where(picture, [&](std::size_t i) { return !levels->outer[i]; }).value();
  const std::size_t edge = std::min(inner.rows(), inner.columns()) / kFrameEdge;
  inner = {inner.top + edge, inner.bottom - edge, inner.left + edge, inner.right - edge};
  // A sheet fills its box to the border, which a digit does not, and shows a digit, which a drawn bar does
  // not.
  const double filled = share_on_border(inner, [&](std::size_t row, std::size_t column) {
    return !levels->outer[row * picture.columns + column];
  });
  GreyField sheet = cut_to(inner, picture);
  const bool shows_a_digit = threshold_between(sheet.values).gap > kDigitGap * levels->gap;
  if (filled < kSheetBorder || !shows_a_digit) return picture;
  return sheet;
}

GreyField without_paper(const GreyField& picture) {
  const GreyField small =
      resized(picture, std::min(picture.rows, kFitSide), std::min(picture.columns, kFitSide));
  std::vector<double> counts(small.values.size(), 1.0);
  if (const std::optional<TwoLevels> levels = two_levels_of(small)) {
    std::copy(levels->outer.begin(), levels->outer.end(), counts.begin());
  }
  const Terms surface = fit_surface(small, counts);
  GreyField paper = picture;
  double mean = 0;
  for (std::size_t i = 0; i < paper.values.size(); ++i) {
    paper.values[i] = surface.dot(terms_at(picture, i / picture.columns, i % picture.columns));
    mean += paper.values[i] / static_cast<double>(paper.values.size());
  }
  double darker = 0;
  double lighter = 0;
  GreyField ink = picture;
  for (std::size_t i = 0; i < ink.values.size(); ++i) {
    const double difference = picture.values[i] - paper.values[i];
    (difference < 0 ? darker : lighter) += difference * difference;
    ink.values[i] = difference;
  }
  for (std::size_t i = 0; i < ink.values.size(); ++i) {
    if (darker > lighter) ink.values[i] *= -mean / std::max(paper.values[i], kDarkestLight * mean);
  }
  return ink;
}

}  // namespace opaline
