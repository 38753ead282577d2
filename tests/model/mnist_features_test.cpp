#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <iostream>

#include "opaline/base/parallel.h"
#include "opaline/model/dataset.h"
#include "opaline/model/features.h"
#include "opaline/model/linear_head.h"
#include "support/data.h"

using namespace opaline;
using opaline::test::data;

namespace {

struct Set {
  std::vector<float> features;
  std::vector<std::uint16_t> labels;
};

Set read_set(FeatureMap map, const std::string& part) {
  const ImageSet images = read_idx_images(data(("mnist/" + part + "-images-idx3-ubyte.gz").c_str()));
  const std::vector<std::uint8_t> labels =
      read_idx_labels(data(("mnist/" + part + "-labels-idx1-ubyte.gz").c_str()));
  const std::size_t width = feature_count(map);
  Set set{std::vector<float>(images.count * width), {labels.begin(), labels.end()}};
  parallel_for(images.count, [&](std::size_t i) {
    const std::vector<double> features = features_of(map, images[i]);
    std::transform(features.begin(), features.end(),
                   set.features.begin() + static_cast<std::ptrdiff_t>(i * width),
                   [](double f) { return static_cast<float>(f); });
  });
  return set;
}

// The share of samples whose largest score is that of their label.
template <typename Number, typename Score>
double accuracy(const std::vector<Number>& inputs, const std::vector<std::uint16_t>& labels, Score score) {
  const std::size_t width = inputs.size() / labels.size();
  std::size_t right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const Number* x = inputs.data() + i * width;
    std::size_t best = 0;
    for (std::size_t k = 1; k < 10; ++k) {
      if (score(k, x) > score(best, x)) best = k;
    }
    if (best == labels[i]) ++right;
  }
  return static_cast<double>(right) / static_cast<double>(labels.size());
}

double float_accuracy(const AffineMap& head, const Set& test) {
  return accuracy(test.features, test.labels, [&](std::size_t k, const float* x) {
    double sum = head.bias[k];
    for (std::size_t i = 0; i < head.inputs; ++i) {
      sum += head.weights[k * head.inputs + i] * static_cast<double>(x[i]);
    }
    return sum;
  });
}

// With features of 4 bits over their range and weights of 6 bits, −31 … 31, on one scale for all.
double integer_accuracy(FeatureMap map, const AffineMap& head, const Set& test) {
  constexpr double kSteps = 15;
  constexpr double kLargestWeight = 31;
  const FeatureRange range = feature_range(map);
  const double step = (range.highest - range.lowest) / kSteps;
  std::vector<int> inputs;
  inputs.reserve(test.features.size());
  for (const float f : test.features) {
    const double q = std::floor((static_cast<double>(f) - range.lowest) / step + 0.5);
    inputs.push_back(static_cast<int>(std::clamp(q, 0.0, kSteps)));
  }
  double largest = 0;
  for (const double weight : head.weights) largest = std::max(largest, std::abs(weight));
  const double scale = kLargestWeight / largest;
  std::vector<int> weights;
  for (const double weight : head.weights) weights.push_back(static_cast<int>(std::lround(weight * scale)));
  std::vector<int> bias;
  for (std::size_t k = 0; k < head.outputs; ++k) {
    double sum = 0;
    for (std::size_t i = 0; i < head.inputs; ++i) sum += weights[k * head.inputs + i];
    bias.push_back(static_cast<int>(std::lround((head.bias[k] * scale + sum * range.lowest) / step)));
  }
  return accuracy(inputs, test.labels, [&](std::size_t k, const int* x) {
    int sum = bias[k];
    for (std::size_t i = 0; i < head.inputs; ++i) sum += weights[k * head.inputs + i] * x[i];
    return sum;
  });
}

void check_reached(FeatureMap map, double wanted) {
  const Set training = read_set(map, "train");
  const Set test = read_set(map, "t10k");
  const LinearHead head =
      fit_logistic(SampleRows<float>{feature_count(map), training.features}, training.labels, 10, {}, {});
  const double floats = float_accuracy(head.map, test);
  const double integers = integer_accuracy(map, head.map, test);
  std::cout << name_of(map) << ": " << floats << " in floating point, " << integers
            << " with features of 4 and weights of 6 bits; " << head.iterations << " iterations, loss "
            << head.loss << '\n';
  CHECK(floats >= wanted);
  CHECK(integers >= wanted);
}

}  // namespace

TEST_CASE("One affine map of the gradient features reads 99.0 % of the MNIST test images") {
  check_reached(FeatureMap::gradients, 0.990);
}

TEST_CASE("One affine map of the cosine features reads 99.15 % of the MNIST test images") {
  check_reached(FeatureMap::gradients_cosine, 0.9915);
}
