// Eigen's own threads would cut products, and so round their sums, by the number of threads.
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <Eigen/QR>
#include <algorithm>
#include <cmath>
#include <string>

#include "opaline/base/parallel.h"
#include "opaline/model/centring.h"
#include "opaline/model/linear_head.h"

namespace opaline {
namespace {

using Eigen::Index;
using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;
using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

constexpr std::size_t kMostRidgeInputs = 8192;  // their products, squared, are 512 MiB
constexpr Index kBlock = 64;                    // columns of the product that one thread makes at a time

Index index(std::size_t value) { return static_cast<Index>(value); }

// aᵀ b over the number of rows, by blocks of columns: no sum depends on the threads.
Matrix mean_product(const Matrix& a, const Matrix& b) {
  Matrix product(a.cols(), b.cols());
  parallel_for(static_cast<std::size_t>((b.cols() + kBlock - 1) / kBlock), [&](std::size_t i) {
    const Index first = index(i) * kBlock;
    const Index count = std::min(kBlock, b.cols() - first);
    product.middleCols(first, count).noalias() = a.transpose() * b.middleCols(first, count);
  });
  return product / static_cast<double>(a.rows());
}

// Without a penalty there may be many solutions, of which Cholesky would take an arbitrary and a large one.
Matrix solution(Matrix products, const Matrix& right, double penalty) {
  if (penalty == 0) return products.completeOrthogonalDecomposition().solve(right);
  products.diagonal().array() += penalty;
  return products.ldlt().solve(right);
}

}  // namespace

LinearHead fit_least_squares(const SampleRows<double>& rows, std::span<const double> targets,
                             std::size_t outputs, double weight_penalty) {
  check_penalty(weight_penalty);
  if (rows.inputs > kMostRidgeInputs) refuse_fit("least squares of more than 8192 inputs");
  const Centring centring = centring_of(rows);
  if (outputs == 0 || outputs > kMostOutputs) refuse_fit("there must be 1 to 4096 targets");
  if (targets.size() != rows.count() * outputs) {
    refuse_fit(std::to_string(rows.count()) + " samples of " + std::to_string(outputs) + " targets, but " +
               std::to_string(targets.size()) + " numbers for them");
  }
  const Centring target_centring = centring_of(SampleRows<double>{outputs, targets});

  const Index count = index(rows.count());
  const Vector mean = Eigen::Map<const Vector>(centring.mean.data(), index(rows.inputs));
  const Vector target_mean = Eigen::Map<const Vector>(target_centring.mean.data(), index(outputs));
  Matrix x = Eigen::Map<const RowMajor>(rows.values.data(), count, index(rows.inputs));
  x.rowwise() -= mean.transpose();
  Matrix y = Eigen::Map<const RowMajor>(targets.data(), count, index(outputs));
  y.rowwise() -= target_mean.transpose();

  Matrix weights = solution(mean_product(x, x), mean_product(x, y), weight_penalty);
  for (std::size_t i = 0; i < rows.inputs; ++i) {
    if (!centring.varies[i]) weights.row(index(i)).setZero();
  }
  if (!weights.allFinite()) refuse_fit("the inputs are too large; bring them to a similar scale");
  const Vector bias = target_mean - weights.transpose() * mean;

  LinearHead head;
  head.loss = (y - x * weights).squaredNorm() / (2 * static_cast<double>(count)) +
              weight_penalty * weights.squaredNorm() / 2;
  // Column by column these are outputs × inputs, row by row.
  head.map = {rows.inputs,
              outputs,
              {weights.data(), weights.data() + weights.size()},
              {bias.data(), bias.data() + bias.size()}};
  return head;
}

}  // namespace opaline
