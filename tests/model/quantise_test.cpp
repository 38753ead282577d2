#include "opaline/model/quantise.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <random>

#include "opaline/base/error.h"

using namespace opaline;

namespace {

ImportedNetwork two_pixel_network(std::vector<double> weights, std::vector<double> bias) {
  ImportedNetwork network;
  network.map = {2, bias.size(), std::move(weights), std::move(bias)};
  network.input_shape = {2};
  network.activation = OutputActivation::softmax;
  return network;
}

QuantisationOptions widths(unsigned input_bits, unsigned weight_bits) {
  QuantisationOptions options;
  options.input_bits = input_bits;
  options.weight_bits = weight_bits;
  return options;
}

/// Every pair of 8-bit pixels on a grid, as images of 1 x 2.
ImageSet grid(unsigned step) {
  ImageSet images{0, 1, 2, {}};
  for (unsigned a = 0; a < 256; a += step) {
    for (unsigned b = 0; b < 256; b += step) {
      images.pixels.push_back(static_cast<std::uint8_t>(a));
      images.pixels.push_back(static_cast<std::uint8_t>(b));
      ++images.count;
    }
  }
  return images;
}

CalibrationSet from(const ImageSet& images, const std::vector<std::uint8_t>& labels = {}) {
  return calibration_of(images, labels, FeatureMap::none, {});
}

ErrorKind refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.kind();
  }
  FAIL_CHECK("accepted");
  return ErrorKind::fault;
}

}  // namespace

TEST_CASE("weights, bias and scale come out as worked out by hand") {
  // Input steps of 1/3, weight steps of 7/7: logit = integer / 3.
  const QuantisedModel quantised =
      quantise(two_pixel_network({7, -2.4, 3.5, 0}, {1, -0.5}), widths(2, 4));
  const CompiledModel& model = quantised.model;
  CHECK(std::vector<std::int32_t>(model.weights().begin(), model.weights().end()) ==
        std::vector<std::int32_t>{7, -2, 4, 0});
  CHECK(std::vector<std::int64_t>(model.bias().begin(), model.bias().end()) ==
        std::vector<std::int64_t>{3, -2});
  CHECK(model.client_spec().output_scale(0) == Approx(1.0 / 3.0));
  CHECK(model.client_spec().bound == 3 * 7 + 3);
  CHECK(model.client_spec().labels == std::vector<std::string>{"0", "1"});
  CHECK(quantised.report.input_bits == 2);
  CHECK(quantised.report.weight_bits == 4);
  CHECK(quantised.report.calibration_inputs == 0);
}

TEST_CASE("the lowest input is folded into the bias") {
  QuantisationOptions options = widths(4, 8);
  options.ranges = {{-3.0, 12.0}};  // steps of 1
  const ClientSpec spec = quantise(two_pixel_network({127, 64}, {5}), options).model.client_spec();
  const CompiledModel model = quantise(two_pixel_network({127, 64}, {5}), options).model;
  CHECK(model.bias()[0] == 5 - 3 * (127 + 64));
  CHECK(spec.encoding.encode(0, -3.0) == 0);
  CHECK(spec.encoding.encode(0, 12.0) == 15);
  // x = (2, -1): 254 - 64 + 5
  const std::vector<std::int64_t> inputs = {spec.encoding.encode(0, 2.0), spec.encoding.encode(0, -1.0)};
  CHECK(model.predict(inputs) == std::vector<std::int64_t>{195});
  CHECK(spec.scores(model.predict(inputs))[0] == Approx(195));
}

TEST_CASE("the range of the inputs follows the pixel scaling, also a negative one") {
  QuantisationOptions options;
  options.pixels = {-1.0 / 255.0, -0.5, 0.25};  // 0 becomes 2, 255 becomes -2
  const ClientSpec spec = quantise(two_pixel_network({1, 2}, {0}), options).model.client_spec();
  CHECK(spec.encoding.range(0).lowest == -2.0);
  CHECK(spec.encoding.range(0).highest == 2.0);
  CHECK(spec.encoding.bits == 8);
  CHECK(spec.encode_pixels(std::vector<std::uint8_t>{0, 255}) == std::vector<std::int64_t>{255, 0});
}

TEST_CASE("rounding stays within half a step of inputs and weights") {
  std::mt19937 random(7);  // NOLINT(cert-msc51-cpp): the same numbers every time
  std::uniform_real_distribution<double> number(-1.0, 1.0);
  ImportedNetwork network;
  network.map.inputs = 20;
  network.map.outputs = 3;
  for (int i = 0; i < 60; ++i) network.map.weights.push_back(number(random));
  for (int i = 0; i < 3; ++i) network.map.bias.push_back(number(random));
  network.input_shape = {4, 5};
  QuantisationOptions options = widths(10, 12);
  options.ranges = {{-1.0, 1.0}};
  const CompiledModel model = quantise(network, options).model;
  const ClientSpec& spec = model.client_spec();
  const double input_step = 2.0 / 1023.0;
  const double weight_step = spec.output_scale(0) / input_step;
  for (int round = 0; round < 200; ++round) {
    std::vector<double> x;
    std::vector<std::int64_t> q;
    for (int j = 0; j < 20; ++j) {
      x.push_back(number(random));
      q.push_back(spec.encoding.encode(0, x.back()));
    }
    const std::vector<double> exact = network.map(x);
    const std::vector<double> rounded = spec.scores(model.predict(q));
    for (std::size_t k = 0; k < 3; ++k) {
      // |w| <= 1 and the integer input counts from lowest, so up to 2 away from it.
      CHECK(std::abs(exact[k] - rounded[k]) <= 20 * (0.5 * input_step + weight_step) + spec.output_scale(0));
    }
  }
}

TEST_CASE("one output with a sigmoid gets two labels") {
  ImportedNetwork network = two_pixel_network({1, -1}, {0});
  network.activation = OutputActivation::sigmoid;
  CHECK(quantise(network, {}).model.client_spec().labels == std::vector<std::string>{"0", "1"});
}

TEST_CASE("a network of zeros stays one") {
  const CompiledModel model = quantise(two_pixel_network({0, 0}, {0}), {}).model;
  CHECK(model.client_spec().bound == 0);
  CHECK(model.predict(std::vector<std::int64_t>{255, 255}) == std::vector<std::int64_t>{0});
}

TEST_CASE("automatic widths are the fewest total bits that reach the agreement") {
  const ImageSet images = grid(15);
  const ImportedNetwork network = two_pixel_network({1.0, -0.7, 0.2, 0.55}, {0.1, 0.0});
  QuantisationOptions options;
  options.agreement = 0.98;
  const QuantisationReport chosen = quantise(network, options, from(images)).report;
  CHECK(chosen.agreement >= 0.98);
  // Every pair that comes before it in the order asked for falls short.
  unsigned pairs = 0;
  for (unsigned input_bits = 1; input_bits <= 8; ++input_bits) {
    for (unsigned weight_bits = 2; weight_bits <= 12; ++weight_bits) {
      const auto before = std::pair(input_bits + weight_bits, input_bits) <
                          std::pair(chosen.input_bits + chosen.weight_bits, chosen.input_bits);
      if (!before) continue;
      ++pairs;
      CAPTURE(input_bits, weight_bits);
      CHECK(quantise(network, widths(input_bits, weight_bits), from(images)).report.agreement < 0.98);
    }
  }
  CHECK(pairs > 0);
}

TEST_CASE("a width that is given stays, the other one is found") {
  const ImageSet images = grid(15);
  const ImportedNetwork network = two_pixel_network({1.0, -0.7, 0.2, 0.55}, {0.1, 0.0});
  QuantisationOptions options;
  options.input_bits = 8;
  QuantisationReport report = quantise(network, options, from(images)).report;
  CHECK(report.input_bits == 8);
  CHECK(report.agreement >= options.agreement);
  options = {};
  options.weight_bits = 9;
  report = quantise(network, options, from(images)).report;
  CHECK(report.weight_bits == 9);
  CHECK(report.agreement >= options.agreement);
}

TEST_CASE("an agreement out of reach gives the widest widths and an honest report") {
  // Two outputs whose weights differ by less than any step searched.
  const ImageSet images = grid(51);
  const ImportedNetwork network = two_pixel_network({1.0, 0.5, 1.0, 0.50000001}, {0.0, 0.0});
  const QuantisationReport report = quantise(network, {}, from(images)).report;
  CHECK(report.input_bits == 8);
  CHECK(report.weight_bits == 12);
  CHECK(report.agreement < 0.5);
}

TEST_CASE("accuracies are reported where there are labels") {
  ImageSet images{4, 1, 2, {255, 0, 0, 255, 200, 100, 100, 200}};
  const ImportedNetwork network = two_pixel_network({1, 0, 0, 1}, {0, 0});
  const std::vector<std::uint8_t> labels = {0, 1, 0, 0};
  const QuantisationReport report = quantise(network, widths(8, 8), from(images, labels)).report;
  CHECK(report.calibration_inputs == 4);
  CHECK(report.agreement == 1.0);
  CHECK(report.float_accuracy == 0.75);
  CHECK(report.integer_accuracy == 0.75);
  CHECK_FALSE(quantise(network, widths(8, 8), from(images)).report.float_accuracy.has_value());
}

TEST_CASE("what cannot be quantised is refused") {
  const ImportedNetwork network = two_pixel_network({1, 0, 0, 1}, {0, 0});
  const ImageSet images = grid(51);
  const std::vector<std::uint8_t> labels(images.count, 0);
  const auto refused = [&](QuantisationOptions options) {
    return refusal([&] { quantise(network, options, from(images, labels)); });
  };
  CHECK(refused(widths(0, 8)) == ErrorKind::invalid_argument);
  CHECK(refused(widths(17, 8)) == ErrorKind::invalid_argument);
  CHECK(refused(widths(8, 1)) == ErrorKind::invalid_argument);
  CHECK(refused(widths(8, 25)) == ErrorKind::invalid_argument);
  QuantisationOptions options;
  options.ranges = {{0.0, 0.5}};
  CHECK(refused(options) == ErrorKind::out_of_range);
  options.input_bits = 8;
  options.weight_bits = 8;
  CHECK(refused(options) == ErrorKind::out_of_range);
  options.ranges = {{0.5, 0.5}};
  CHECK(refused(options) == ErrorKind::invalid_argument);
  options = {};
  options.ranges = {{0.0, std::numeric_limits<double>::infinity()}};
  CHECK(refused(options) == ErrorKind::invalid_argument);
  options = {};
  options.labels = {"one"};
  CHECK(refused(options) == ErrorKind::invalid_argument);
  options = {};
  options.pixels.deviation = 0.0;
  CHECK(refused(options) == ErrorKind::invalid_argument);

  const std::vector<std::uint8_t> too_few(images.count - 1, 0);
  CHECK(refusal([&] { quantise(network, {}, from(images, too_few)); }) == ErrorKind::invalid_argument);
  const std::vector<std::uint8_t> unknown(images.count, 2);
  CHECK(refusal([&] { quantise(network, {}, from(images, unknown)); }) == ErrorKind::invalid_argument);
  CHECK(refusal([&] { quantise(network, {}, from({1, 1, 3, {1, 2, 3}})); }) == ErrorKind::invalid_argument);
  CHECK(refusal([&] { quantise(network, {}, from({2, 1, 2, {1, 2, 3}})); }) == ErrorKind::invalid_argument);
  CHECK(refusal([&] {
          quantise(two_pixel_network({1e-300, 0}, {1e300}), {});
        }) == ErrorKind::does_not_fit);
  CHECK(refusal([&] { quantise(two_pixel_network({1}, {1}), {}); }) == ErrorKind::invalid_argument);
}
