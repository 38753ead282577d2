#include "opaline/model/paper.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

namespace opaline {
namespace {

constexpr int kTerms = 6;
constexpr std::size_t kFitSide = 48;  // enough places for six numbers
constexpr int kFitRounds = 30;
constexpr double kSmallestResidual = 0.5;  // grey levels, below which all places count the same
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
// draw the surface away from the paper as it would with squares.
Terms fit_surface(const GreyField& field) {
  Terms surface = Terms::Zero();
  std::vector<double> weights(field.values.size(), 1.0);
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
      weights[i] = 1 / std::max(std::abs(field.values[i] - paper), kSmallestResidual);
    }
  }
  return surface;
}

}  // namespace

GreyField without_paper(const GreyField& picture) {
  const Terms surface =
      fit_surface(resized(picture, std::min(picture.rows, kFitSide), std::min(picture.columns, kFitSide)));
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
