#include "opaline/model/linear_head.h"

#include <omp.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "opaline/model/seeded_random.h"
#include "support/error_kind.h"

using namespace opaline;
using opaline::test::kind_of;

namespace {

struct Samples {
  std::size_t inputs = 0;
  std::vector<double> values;
  std::vector<std::uint16_t> labels;

  SampleRows<double> rows() const { return {inputs, values}; }
};

// Classes are clouds that overlap, so that the best weights are finite without a penalty; the last input
// never varies.
Samples clouds(std::size_t count, std::size_t inputs, std::size_t classes) {
  Samples samples{inputs, {}, {}};
  SeededRandom random(1);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t label = random.below(classes);
    samples.labels.push_back(static_cast<std::uint16_t>(label));
    for (std::size_t k = 0; k + 1 < inputs; ++k) {
      samples.values.push_back(random.uniform(-2, 2) + (k % classes == label ? 1.0 : 0.0) + 0.5);
    }
    samples.values.push_back(0.1);
  }
  return samples;
}

// The function that is to be minimised, written down once more and slowly.
double loss_of(const AffineMap& map, const Samples& samples, double penalty) {
  double loss = 0;
  for (std::size_t i = 0; i < samples.labels.size(); ++i) {
    const auto begin = samples.values.begin() + static_cast<std::ptrdiff_t>(i * samples.inputs);
    std::vector<double> y = map({begin, begin + static_cast<std::ptrdiff_t>(samples.inputs)});
    if (y.size() == 1) y.insert(y.begin(), 0.0);  // a sigmoid is a softmax against 0
    double sum = 0;
    for (const double logit : y) sum += std::exp(logit);
    loss += std::log(sum) - y[samples.labels[i]];
  }
  double squares = 0;
  for (const double weight : map.weights) squares += weight * weight;
  return loss / static_cast<double>(samples.labels.size()) + penalty * squares / 2;
}

LogisticOptions penalised(double penalty) {
  LogisticOptions options;
  options.weight_penalty = penalty;
  return options;
}

void check_optimum(const LinearHead& head, const Samples& samples, double penalty) {
  CHECK(head.loss == Approx(loss_of(head.map, samples, penalty)).epsilon(1e-9));
  constexpr double kStep = 1e-4;
  const auto slope = [&](std::vector<double> AffineMap::*part, std::size_t i) {
    AffineMap above = head.map;
    AffineMap below = head.map;
    (above.*part)[i] += kStep;
    (below.*part)[i] -= kStep;
    return (loss_of(above, samples, penalty) - loss_of(below, samples, penalty)) / (2 * kStep);
  };
  for (std::size_t i = 0; i < head.map.weights.size(); ++i) {
    CAPTURE(i);
    // An input that never varies has no say: its weight is 0, and only the free bias does its work.
    if (i % samples.inputs == samples.inputs - 1) {
      CHECK(head.map.weights[i] == 0.0);
    } else {
      CHECK(std::abs(slope(&AffineMap::weights, i)) < 2e-6);
    }
  }
  for (std::size_t i = 0; i < head.map.bias.size(); ++i) {
    CHECK(std::abs(slope(&AffineMap::bias, i)) < 2e-6);
  }
}

}  // namespace

TEST_CASE("Logistic regression ends where finite differences of its loss vanish") {
  for (const std::size_t classes : {2U, 3U, 5U}) {
    const Samples samples = clouds(700, 6, classes);
    for (const double penalty : {0.0, 1e-3, 0.1}) {
      CAPTURE(classes, penalty);
      const LinearHead head = fit_logistic(samples.rows(), samples.labels, classes, penalised(penalty), {});
      CHECK(head.map.inputs == 6);
      CHECK(head.map.outputs == (classes == 2 ? 1 : classes));
      check_optimum(head, samples, penalty);
    }
  }
}

TEST_CASE("Logistic regression of one input reaches the optimum known in closed form") {
  // Where x = 0, class 0 is three times as frequent as class 1; where x = 1 it is the other way round.
  Samples samples{1, {}, {}};
  for (int i = 0; i < 400; ++i) {
    samples.values.push_back(i % 2);
    samples.labels.push_back((i / 2 % 4 == 0) != (i % 2 == 1) ? 1 : 0);
  }
  const LinearHead two = fit_logistic(samples.rows(), samples.labels, 2, penalised(0), {});
  REQUIRE(two.map.weights.size() == 1);
  CHECK(two.map.weights[0] == Approx(2 * std::log(3.0)).margin(1e-5));
  CHECK(two.map.bias[0] == Approx(-std::log(3.0)).margin(1e-5));
  CHECK(two.loss == Approx(0.75 * std::log(4.0 / 3.0) + 0.25 * std::log(4.0)).margin(1e-9));
  CHECK(two.iterations > 0);
}

TEST_CASE("Inputs that never vary leave the frequencies of the classes to the bias") {
  Samples samples{2, {}, {}};
  for (std::size_t i = 0; i < 60; ++i) {
    samples.values.insert(samples.values.end(), {3.7, -1e6});
    samples.labels.push_back(i % 6 == 0 ? 0 : (i % 6 < 3 ? 1 : 2));  // 1 : 2 : 3
  }
  const LinearHead head = fit_logistic(samples.rows(), samples.labels, 3, penalised(1e-3), {});
  CHECK(head.map.weights == std::vector<double>(6, 0.0));
  CHECK(head.map.bias[1] - head.map.bias[0] == Approx(std::log(2.0)).margin(1e-5));
  CHECK(head.map.bias[2] - head.map.bias[0] == Approx(std::log(3.0)).margin(1e-5));
}

TEST_CASE("Separable classes are told apart, without a penalty too") {
  Samples samples{1, {}, {}};
  for (std::size_t i = 0; i < 90; ++i) {
    samples.values.push_back(static_cast<double>(i));
    samples.labels.push_back(i < 40 ? 0 : 1);
  }
  for (const double penalty : {0.0, 1e-4}) {
    const LinearHead head = fit_logistic(samples.rows(), samples.labels, 2, penalised(penalty), {});
    CHECK(std::isfinite(head.map.weights[0]));
    CHECK(head.map({39.0})[0] < 0);
    CHECK(head.map({40.0})[0] > 0);
  }
}

TEST_CASE("A class without samples, or the only one with any, does no harm") {
  Samples samples = clouds(100, 3, 2);
  const LinearHead head = fit_logistic(samples.rows(), samples.labels, 3, penalised(1e-2), {});
  CHECK(head.map.outputs == 3);
  CHECK(head.map({0.5, 0.5, 0.1})[2] < head.map({0.5, 0.5, 0.1})[0]);
  std::fill(samples.labels.begin(), samples.labels.end(), std::uint16_t{1});
  const LinearHead sure = fit_logistic(samples.rows(), samples.labels, 2, penalised(1e-2), {});
  CHECK(sure.map({0.5, 0.5, 0.1})[0] > 5);
}

TEST_CASE("Single precision comes near double precision") {
  const Samples samples = clouds(2000, 6, 3);
  const std::vector<float> narrow(samples.values.begin(), samples.values.end());
  const LinearHead wide = fit_logistic(samples.rows(), samples.labels, 3, penalised(1e-3), {});
  const LinearHead head = fit_logistic(SampleRows<float>{6, narrow}, samples.labels, 3, penalised(1e-3), {});
  for (std::size_t i = 0; i < wide.map.weights.size(); ++i) {
    CHECK(head.map.weights[i] == Approx(wide.map.weights[i]).margin(2e-3));
  }
}

TEST_CASE("The number of threads changes no bit of a fit") {
  const Samples samples = clouds(3000, 70, 4);
  const std::vector<float> narrow(samples.values.begin(), samples.values.end());
  const auto fits = [&] {
    const LinearHead wide = fit_logistic(samples.rows(), samples.labels, 4, penalised(1e-4), {});
    const LinearHead head =
        fit_logistic(SampleRows<float>{70, narrow}, samples.labels, 4, penalised(1e-4), {});
    const std::vector<double> targets(samples.labels.begin(), samples.labels.end());
    const LinearHead ridge = fit_least_squares(samples.rows(), targets, 1, 1e-3);
    std::vector<double> all;
    for (const AffineMap& map : {wide.map, head.map, ridge.map}) {
      all.insert(all.end(), map.weights.begin(), map.weights.end());
      all.insert(all.end(), map.bias.begin(), map.bias.end());
    }
    return all;
  };
  const std::vector<double> first = fits();
  const int threads = omp_get_max_threads();
  for (const int other : {1, 2, 3, 7}) {
    omp_set_num_threads(other);
    CHECK(fits() == first);
  }
  omp_set_num_threads(threads);
}

TEST_CASE("Progress is told every iteration, the loss falls, and what it throws comes out") {
  const Samples samples = clouds(300, 5, 3);
  std::vector<FitProgress> seen;
  LogisticOptions options = penalised(1e-3);
  options.most_iterations = 5;
  const LinearHead head = fit_logistic(samples.rows(), samples.labels, 3, options,
                                       [&](const FitProgress& now) { seen.push_back(now); });
  REQUIRE(seen.size() == 5);
  CHECK(head.iterations == 5);
  CHECK(head.loss == seen.back().loss);
  for (std::size_t i = 0; i < seen.size(); ++i) {
    CHECK(seen[i].iteration == i + 1);
    CHECK(seen[i].gradient_norm > 0);
    if (i > 0) CHECK(seen[i].loss < seen[i - 1].loss);
  }
  CHECK_THROWS_AS(fit_logistic(samples.rows(), samples.labels, 3, options,
                               [](const FitProgress&) { throw std::runtime_error("enough"); }),
                  std::runtime_error);
}

TEST_CASE("Ridge regression solves the normal equations worked out by hand") {
  // y = 10 + x0 + 2 x1. The inputs' sums are 0, their products 6, 5, 6; with y 16 and 17.
  const std::vector<double> x = {1, 0, 0, 1, 1, 1, -2, -2};
  const std::vector<double> y = {11, 12, 13, 4};
  const auto check = [&](double penalty, double first, double second) {
    CAPTURE(penalty);
    const LinearHead head = fit_least_squares({2, x}, y, 1, penalty);
    CHECK(head.map.weights[0] == Approx(first));
    CHECK(head.map.weights[1] == Approx(second));
    CHECK(head.map.bias[0] == Approx(10.0));
  };
  check(0.0, 1.0, 2.0);
  check(0.25, 27.0 / 24, 39.0 / 24);  // (7 5; 5 7) w = (16, 17)
  // One input −1, 0, 1 shifted by 5, targets 1, 2, 6: (2/3 + 1) w = 5/3; residuals −1, −1, 2.
  const std::vector<double> shifted = {4, 5, 6};
  const LinearHead head = fit_least_squares({1, shifted}, std::vector<double>{1, 2, 6}, 1, 1.0);
  CHECK(head.map.weights[0] == Approx(1.0));
  CHECK(head.map.bias[0] == Approx(3.0 - 5.0));
  CHECK(head.loss == Approx(1.0 + 0.5));
}

TEST_CASE("Several targets are so many regressions") {
  const Samples samples = clouds(200, 4, 2);
  SeededRandom random(5);
  std::vector<double> both;
  std::vector<double> second;
  for (std::size_t i = 0; i < 200; ++i) {
    both.push_back(random.uniform());
    second.push_back(1e6 * random.uniform() + samples.values[i * 4]);
    both.push_back(second.back());
  }
  const LinearHead two = fit_least_squares(samples.rows(), both, 2, 1e-2);
  const LinearHead one = fit_least_squares(samples.rows(), second, 1, 1e-2);
  REQUIRE(two.map.outputs == 2);
  for (std::size_t i = 0; i < 4; ++i) CHECK(two.map.weights[4 + i] == Approx(one.map.weights[i]));
  CHECK(two.map.bias[1] == Approx(one.map.bias[0]));
  CHECK(two.map.weights[3] == 0.0);  // the input that never varies
  CHECK(two.map.weights[7] == 0.0);
}

TEST_CASE("Without a penalty, of equally good weights the smallest are taken") {
  std::vector<double> x;
  std::vector<double> y;
  for (int i = 0; i < 20; ++i) {
    x.insert(x.end(), {i / 7.0, i / 7.0});
    y.push_back(3 * i / 7.0 - 1);
  }
  const LinearHead head = fit_least_squares({2, x}, y, 1, 0.0);
  CHECK(head.map.weights[0] == Approx(1.5));
  CHECK(head.map.weights[1] == Approx(1.5));
  CHECK(head.map.bias[0] == Approx(-1.0));
}

TEST_CASE("Samples that make no sense are refused") {
  const Samples good = clouds(20, 3, 2);
  constexpr auto kRefused = ErrorKind::invalid_argument;
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const auto logistic = [&](const Samples& samples, std::size_t classes, const LogisticOptions& options) {
    return kind_of([&] { fit_logistic(samples.rows(), samples.labels, classes, options, {}); });
  };
  const auto with = [&](auto change) {
    Samples samples = good;
    change(samples);
    return samples;
  };
  CHECK(logistic(Samples{}, 2, {}) == kRefused);
  CHECK(logistic(with([](auto& s) { s.labels.pop_back(); }), 2, {}) == kRefused);
  CHECK(logistic(with([](auto& s) { s.values.pop_back(); }), 2, {}) == kRefused);
  CHECK(logistic(with([](auto& s) { s.labels[3] = 2; }), 2, {}) == kRefused);
  CHECK(logistic(with([](auto& s) { s.inputs = 0; }), 2, {}) == kRefused);
  CHECK(logistic(good, 1, {}) == kRefused);
  CHECK(logistic(good, 4097, {}) == kRefused);
  for (const double bad : {kNan, kInfinity, -kInfinity}) {
    CHECK(logistic(with([&](auto& s) { s.values[7] = bad; }), 2, {}) == kRefused);
    CHECK(logistic(good, 2, penalised(bad)) == kRefused);
  }
  CHECK(logistic(good, 2, penalised(-1e-9)) == kRefused);
  LogisticOptions none;
  none.most_iterations = 0;
  CHECK(logistic(good, 2, none) == kRefused);

  const std::vector<double> y(20, 1.0);
  const auto squares = [&](const std::vector<double>& x, const std::vector<double>& targets,
                           std::size_t outputs, double penalty) {
    return kind_of([&] { fit_least_squares({3, x}, targets, outputs, penalty); });
  };
  CHECK(squares({}, y, 1, 1e-3) == kRefused);
  CHECK(squares(good.values, std::vector<double>(19), 1, 1e-3) == kRefused);
  CHECK(squares(good.values, {}, 0, 1e-3) == kRefused);
  CHECK(squares(good.values, y, 1, -1.0) == kRefused);
  CHECK(squares(good.values, std::vector<double>(20, kNan), 1, 1e-3) == kRefused);
  CHECK(squares(std::vector<double>(60, kInfinity), y, 1, 1e-3) == kRefused);
  CHECK(kind_of([&] {
          fit_least_squares({8193, std::vector<double>(8193)}, std::vector<double>{1}, 1, 1.0);
        }) == kRefused);
}
