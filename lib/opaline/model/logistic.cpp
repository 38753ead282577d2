#include <lbfgs.h>

// Eigen's own threads would cut products, and so round their sums, by the number of threads.
#define EIGEN_DONT_PARALLELIZE
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <exception>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "opaline/base/error.h"
#include "opaline/base/parallel.h"
#include "opaline/model/centring.h"
#include "opaline/model/linear_head.h"

namespace opaline {
namespace {

using Eigen::Index;
template <typename Number>
using RowMajor = Eigen::Matrix<Number, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <typename Number>
using Column = Eigen::Matrix<Number, Eigen::Dynamic, 1>;
template <typename Number>
using Row = Eigen::Matrix<Number, 1, Eigen::Dynamic>;

constexpr std::size_t kMostFittedWeights = std::size_t{1} << 20;

// Samples are shared out in pieces that do not depend on the number of threads; their sums are added in
// order.
constexpr std::size_t kMostPieces = 64;
constexpr Index kBlock = 256;  // samples whose logits are in memory at a time

constexpr int kMemory = 20;              // steps that L-BFGS remembers
constexpr double kGradientShare = 1e-7;  // of the weights' norm
constexpr int kStagnation = 20;          // iterations without a share of kLeastGain of the loss end it
constexpr double kLeastGain = 1e-9;
constexpr std::size_t kVectorMultiple = 8;  // libLBFGS with SSE rounds up to it

Index index(std::size_t value) { return static_cast<Index>(value); }

// Cross-entropy of a block of samples, summed. Turns their logits into the slopes of the loss by them.
template <typename Number>
double softmax_slopes(RowMajor<Number>& logits, std::span<const std::uint16_t> labels) {
  double loss = 0;
  for (Index i = 0; i < logits.rows(); ++i) {
    auto row = logits.row(i);
    const Index label = labels[static_cast<std::size_t>(i)];
    row.array() -= row.maxCoeff();
    const Number margin = row[label];
    row = row.array().exp();
    const Number sum = row.sum();
    loss += std::log(static_cast<double>(sum)) - static_cast<double>(margin);
    row /= sum;
    row[label] -= 1;
  }
  return loss;
}

template <typename Number>
double sigmoid_slopes(RowMajor<Number>& logits, std::span<const std::uint16_t> labels) {
  double loss = 0;
  for (Index i = 0; i < logits.rows(); ++i) {
    const auto logit = static_cast<double>(logits(i, 0));
    const double label = labels[static_cast<std::size_t>(i)];
    const double small = std::exp(-std::abs(logit));  // never overflows
    loss += std::log1p(small) + std::max(logit, 0.0) - label * logit;
    logits(i, 0) = static_cast<Number>((logit >= 0 ? 1 : small) / (1 + small) - label);
  }
  return loss;
}

// The function that is minimised. Its variables are the weights, row by row, then each output at the mean of
// all samples (the bias of centred inputs), then zeros up to a multiple that libLBFGS likes.
template <typename Number>
class Objective {
 public:
  Objective(const SampleRows<Number>& rows, std::span<const std::uint16_t> labels, std::size_t outputs,
            double penalty)
      : rows_(rows),
        labels_(labels),
        outputs_(index(outputs)),
        inputs_(index(rows.inputs)),
        penalty_(penalty),
        centring_(centring_of(rows)),
        piece_(std::max<std::size_t>(kBlock, (rows.count() + kMostPieces - 1) / kMostPieces)),
        sums_((rows.count() + piece_ - 1) / piece_) {}

  std::size_t variables() const {
    const auto used = static_cast<std::size_t>(outputs_ * (inputs_ + 1));
    return (used + kVectorMultiple - 1) / kVectorMultiple * kVectorMultiple;
  }

  double operator()(const double* variables, double* gradient) {
    const Eigen::Map<const RowMajor<double>> weights(variables, outputs_, inputs_);
    const Eigen::Map<const Column<double>> level(variables + weights.size(), outputs_);
    const Eigen::Map<const Column<double>> mean(centring_.mean.data(), inputs_);
    const RowMajor<Number> narrow = weights.template cast<Number>();
    const Row<Number> bias = (level - weights * mean).template cast<Number>();
    parallel_for(sums_.size(), [&](std::size_t i) { add_up(i, narrow, bias); });

    const double share = 1 / static_cast<double>(rows_.count());
    std::fill(gradient, gradient + this->variables(), 0.0);
    Eigen::Map<RowMajor<double>> slope(gradient, outputs_, inputs_);
    Eigen::Map<Column<double>> level_slope(gradient + slope.size(), outputs_);
    double loss = 0;
    for (const Sums& sums : sums_) {
      loss += sums.loss;
      slope += sums.weights.template cast<double>();
      level_slope += sums.bias.transpose().template cast<double>();
    }
    slope -= level_slope * mean.transpose();
    slope = slope * share + weights * penalty_;
    level_slope *= share;
    for (Index i = 0; i < inputs_; ++i) {
      if (!centring_.varies[static_cast<std::size_t>(i)]) slope.col(i).setZero();
    }
    return loss * share + penalty_ * weights.squaredNorm() / 2;
  }

  AffineMap map(const double* variables) const {
    const Eigen::Map<const RowMajor<double>> weights(variables, outputs_, inputs_);
    const Eigen::Map<const Column<double>> level(variables + weights.size(), outputs_);
    const Eigen::Map<const Column<double>> mean(centring_.mean.data(), inputs_);
    const Column<double> bias = level - weights * mean;
    return {static_cast<std::size_t>(inputs_),
            static_cast<std::size_t>(outputs_),
            {weights.data(), weights.data() + weights.size()},
            {bias.data(), bias.data() + bias.size()}};
  }

 private:
  // Of one piece of the samples: the loss and its gradient by weights and bias.
  struct Sums {
    double loss = 0;
    RowMajor<Number> weights;
    Row<Number> bias;
  };

  void add_up(std::size_t piece, const RowMajor<Number>& weights, const Row<Number>& bias) {
    Sums& sums = sums_[piece];
    sums.loss = 0;
    sums.weights.setZero(outputs_, inputs_);
    sums.bias.setZero(outputs_);
    const Index end = std::min(index((piece + 1) * piece_), index(rows_.count()));
    RowMajor<Number> logits;
    for (Index first = index(piece * piece_); first < end; first += kBlock) {
      const Index count = std::min(kBlock, end - first);
      const Eigen::Map<const RowMajor<Number>> block(rows_.values.data() + first * inputs_, count, inputs_);
      logits.noalias() = block * weights.transpose();
      logits.rowwise() += bias;
      const auto labels = labels_.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
      sums.loss += outputs_ == 1 ? sigmoid_slopes(logits, labels) : softmax_slopes(logits, labels);
      sums.weights.noalias() += logits.transpose() * block;
      sums.bias += logits.colwise().sum();
    }
  }

  SampleRows<Number> rows_;
  std::span<const std::uint16_t> labels_;
  Index outputs_;
  Index inputs_;
  double penalty_;
  Centring centring_;
  std::size_t piece_;
  std::vector<Sums> sums_;
};

// What libLBFGS, which is C, calls back: no exception may pass through it.
template <typename Number>
struct Descent {
  Objective<Number>& objective;
  const std::function<void(const FitProgress&)>& progress;
  std::size_t iterations = 0;
  std::exception_ptr failure = nullptr;

  static double evaluate(void* self, const double* variables, double* gradient, int count, double /*step*/) {
    auto& descent = *static_cast<Descent*>(self);
    if (!descent.failure) {
      try {
        return descent.objective(variables, gradient);
      } catch (...) {
        descent.failure = std::current_exception();
      }
    }
    std::fill(gradient, gradient + count, 0.0);
    return std::numeric_limits<double>::quiet_NaN();
  }

  static int report(void* self, const double* /*variables*/, const double* /*gradient*/, double loss,
                    double /*norm*/, double gradient_norm, double /*step*/, int /*count*/, int iteration,
                    int /*evaluations*/) {
    auto& descent = *static_cast<Descent*>(self);
    descent.iterations = static_cast<std::size_t>(iteration);
    try {
      if (descent.progress) descent.progress({descent.iterations, loss, gradient_norm});
    } catch (...) {
      descent.failure = std::current_exception();
    }
    return descent.failure ? 1 : 0;
  }
};

// Reasons to end other than a small gradient after which the variables are sound: the best there were.
bool is_sound_end(int reason) {
  switch (reason) {
    case LBFGS_SUCCESS:
    case LBFGS_STOP:
    case LBFGS_ALREADY_MINIMIZED:
    case LBFGSERR_MAXIMUMITERATION:
    // The line search finds nothing better: the loss is as low as rounding allows.
    case LBFGSERR_OUTOFINTERVAL:
    case LBFGSERR_INCORRECT_TMINMAX:
    case LBFGSERR_ROUNDING_ERROR:
    case LBFGSERR_MINIMUMSTEP:
    case LBFGSERR_MAXIMUMSTEP:
    case LBFGSERR_MAXIMUMLINESEARCH:
    case LBFGSERR_WIDTHTOOSMALL:
    case LBFGSERR_INCREASEGRADIENT:
      return true;
    default:
      return false;
  }
}

template <typename Number>
LinearHead fit(const SampleRows<Number>& rows, std::span<const std::uint16_t> labels, std::size_t classes,
               const LogisticOptions& options, const std::function<void(const FitProgress&)>& progress) {
  check_penalty(options.weight_penalty);
  if (rows.count() != labels.size()) {
    refuse_fit(std::to_string(rows.count()) + " samples but " + std::to_string(labels.size()) + " labels");
  }
  if (classes < 2) refuse_fit("there must be two classes or more");
  if (std::any_of(labels.begin(), labels.end(), [&](std::uint16_t label) { return label >= classes; })) {
    refuse_fit("a label is not below the number of classes");
  }
  const std::size_t outputs = classes == 2 ? 1 : classes;
  if (outputs > kMostOutputs || rows.inputs > kMostFittedWeights / outputs) {
    refuse_fit("more than 2^20 weights or 4096 classes");
  }
  constexpr std::size_t kMostIterations = 1000000;
  if (options.most_iterations == 0 || options.most_iterations > kMostIterations) {
    refuse_fit("there must be 1 to 1000000 iterations");
  }

  Objective<Number> objective(rows, labels, outputs, options.weight_penalty);
  const auto count = static_cast<int>(objective.variables());
  const std::unique_ptr<double, void (*)(double*)> variables(lbfgs_malloc(count), lbfgs_free);
  if (!variables) throw std::bad_alloc();
  std::fill(variables.get(), variables.get() + count, 0.0);
  lbfgs_parameter_t parameters;
  lbfgs_parameter_init(&parameters);
  parameters.m = kMemory;
  parameters.epsilon = kGradientShare;
  parameters.past = kStagnation;
  parameters.delta = kLeastGain;
  parameters.max_iterations = static_cast<int>(options.most_iterations);

  LinearHead head;
  Descent<Number> descent{objective, progress};
  const int reason = lbfgs(count, variables.get(), &head.loss, Descent<Number>::evaluate,
                           Descent<Number>::report, &descent, &parameters);
  if (descent.failure) std::rethrow_exception(descent.failure);
  if (!is_sound_end(reason) || !std::isfinite(head.loss)) {
    refuse_fit("the loss cannot be lowered (libLBFGS says " + std::to_string(reason) +
               "); bring the inputs to a similar scale");
  }
  head.iterations = descent.iterations;
  head.map = objective.map(variables.get());
  return head;
}

}  // namespace

LinearHead fit_logistic(const SampleRows<float>& rows, std::span<const std::uint16_t> labels,
                        std::size_t classes, const LogisticOptions& options,
                        const std::function<void(const FitProgress&)>& progress) {
  return fit(rows, labels, classes, options, progress);
}

LinearHead fit_logistic(const SampleRows<double>& rows, std::span<const std::uint16_t> labels,
                        std::size_t classes, const LogisticOptions& options,
                        const std::function<void(const FitProgress&)>& progress) {
  return fit(rows, labels, classes, options, progress);
}

}  // namespace opaline
