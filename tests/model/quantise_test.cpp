#include "opaline/model/quantise.h"

#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
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
  const QuantisedModel quantised = quantise(two_pixel_network({7, -2.4, 3.5, 0}, {1, -0.5}), widths(2, 4));
  const CompiledModel& model = quantised.model;
  CHECK(std::vector<std::int32_t>(model.weights().begin(), model.weights().end()) ==
        std::vector<std::int32_t>{7, -2, 4, 0});
  // Answers lie in [-3, 24] and [-2, 10]; their middle goes to the client.
  CHECK(model.client_spec().output_offset == 10);
  CHECK(std::vector<std::int64_t>(model.bias().begin(), model.bias().end()) ==
        std::vector<std::int64_t>{3 - 10, -2 - 10});
  CHECK(model.client_spec().output_scale(0) == Approx(1.0 / 3.0));
  CHECK(model.client_spec().bound == 24 - 10);
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
  CHECK(model.bias()[0] + spec.output_offset == 5 - 3 * (127 + 64));
  CHECK(spec.encoding.encode(0, -3.0) == 0);
  CHECK(spec.encoding.encode(0, 12.0) == 15);
  // x = (2, -1): 254 - 64 + 5
  const std::vector<std::int64_t> inputs = {spec.encoding.encode(0, 2.0), spec.encoding.encode(0, -1.0)};
  CHECK(model.predict(inputs) == std::vector<std::int64_t>{195 - spec.output_offset});
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
  const ImageSet images = grid(2);
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
  CHECK(refusal([&] { quantise(two_pixel_network({1e-300, 0}, {1e300}), {}); }) == ErrorKind::does_not_fit);
  CHECK(refusal([&] { quantise(two_pixel_network({1}, {1}), {}); }) == ErrorKind::invalid_argument);
}

namespace {

/// A network of random numbers whose inputs are of very different sizes.
ImportedNetwork uneven_network(std::size_t inputs, std::size_t outputs, std::mt19937& random,
                               std::vector<InputRange>& ranges) {
  std::uniform_real_distribution<double> number(-1.0, 1.0);
  ImportedNetwork network;
  network.map.inputs = inputs;
  network.map.outputs = outputs;
  network.input_shape = {inputs};
  network.activation = OutputActivation::softmax;
  for (std::size_t j = 0; j < inputs; ++j) {
    const double size = std::pow(10.0, 4 * number(random));
    const double middle = 3 * size * number(random);
    ranges.push_back({middle - size, middle + size});
  }
  for (std::size_t i = 0; i < inputs * outputs; ++i) {
    const InputRange range = ranges[i % inputs];
    network.map.weights.push_back(number(random) / (range.highest - range.lowest));
  }
  for (std::size_t k = 0; k < outputs; ++k) network.map.bias.push_back(number(random));
  return network;
}

}  // namespace

TEST_CASE("no score is farther from the float network's than the bound, and the bound is not far off") {
  std::mt19937 random(11);  // NOLINT(cert-msc51-cpp): the same numbers every time
  std::uniform_real_distribution<double> share(0.0, 1.0);
  for (const WeightScales scales : {WeightScales::global, WeightScales::per_output}) {
    for (const unsigned bits : {2U, 4U, 7U, 12U}) {
      CAPTURE(bits, scales == WeightScales::global);
      QuantisationOptions options = widths(bits, bits + 1);
      options.weight_scales = scales;
      const ImportedNetwork network = uneven_network(6, 3, random, options.ranges);
      const QuantisedModel quantised = quantise(network, options);
      const ClientSpec& spec = quantised.model.client_spec();
      double largest = 0.0;
      for (int round = 0; round < 20000; ++round) {
        std::vector<double> x;
        for (const InputRange& range : options.ranges) {
          // Ends and points between two steps are the worst.
          const double place = round % 2 == 0 ? share(random) : std::round(share(random));
          x.push_back(range.lowest + place * (range.highest - range.lowest));
        }
        const std::vector<double> exact = network.map(x);
        const std::vector<double> scores = spec.scores(quantised.model.predict(spec.encode(x)));
        for (std::size_t k = 0; k < 3; ++k) largest = std::max(largest, std::abs(exact[k] - scores[k]));
      }
      CHECK(largest <= quantised.report.error_bound);
      CHECK(largest >= 0.2 * quantised.report.error_bound);
    }
  }
}

TEST_CASE("each output has its own scale where that is asked for") {
  QuantisationOptions options = widths(4, 8);
  options.weight_scales = WeightScales::per_output;
  const CompiledModel model = quantise(two_pixel_network({1, 0.25, 100, -50.1}, {0, 0}), options).model;
  CHECK(std::vector<std::int32_t>(model.weights().begin(), model.weights().end()) ==
        std::vector<std::int32_t>{127, 32, 127, -64});
  REQUIRE(model.client_spec().output_scales.size() == 2);
  CHECK(model.client_spec().output_scale(1) == Approx(100 * model.client_spec().output_scale(0)));
}

TEST_CASE("an offset common to all outputs goes to the client where slots become narrower") {
  const QuantisedModel shifted = quantise(two_pixel_network({1, -1, -1, 1}, {1000, 1000}), widths(4, 8));
  const QuantisedModel centred = quantise(two_pixel_network({1, -1, -1, 1}, {0, 0}), widths(4, 8));
  const ClientSpec& spec = shifted.model.client_spec();
  CHECK(spec.output_offset > 0);
  CHECK(spec.bound == centred.model.client_spec().bound);
  CHECK(centred.model.client_spec().output_offset == 0);
  for (const std::vector<std::int64_t>& input : {std::vector<std::int64_t>{0, 0}, {15, 0}, {3, 15}}) {
    const std::vector<double> with = spec.scores(shifted.model.predict(input));
    const std::vector<double> without = centred.model.client_spec().scores(centred.model.predict(input));
    CHECK(with[0] == Approx(without[0] + 1000));
    CHECK(with[1] == Approx(without[1] + 1000));
  }
}

TEST_CASE("a single output without an activation is a quantity") {
  ImportedNetwork network = two_pixel_network({2, -1}, {5});
  network.activation = OutputActivation::none;
  network.notes.answers = {"price"};
  QuantisationOptions options;
  options.ranges = {{0, 10}, {0, 1}};
  CalibrationSet rows{4, 2, {0, 0, 10, 1, 5, 0.5, 2, 1}, {}, {5, 24, 14.5, 9}};
  const QuantisedModel quantised = quantise(network, options, rows);
  const ClientSpec& spec = quantised.model.client_spec();
  CHECK(spec.task == Task::regression);
  CHECK(spec.labels == std::vector<std::string>{"price"});
  CHECK(*quantised.report.float_accuracy > 0.99);
  CHECK(*quantised.report.float_accuracy < 1.0);
  CHECK(quantised.report.agreement >= 0.995);
  CHECK(quantised.report.largest_error <= quantised.report.error_bound);
  CHECK(quantised.report.margins.empty());
  const std::vector<double> row = {10, 1};
  CHECK(spec.scores(quantised.model.predict(spec.encode(row)))[0] == Approx(24).margin(0.2));
  options.task = Task::classification;
  CHECK(quantise(network, options).model.client_spec().task == Task::classification);
}

TEST_CASE("ranges come from options, features, notes, the graph or pixels, in this order") {
  ImportedNetwork network = two_pixel_network({1, 2}, {0});
  const auto encoding = [&](const QuantisationOptions& options) {
    return describe_model(network, options).encoding;
  };
  CHECK(encoding({}).ranges.size() == 1);
  CHECK(encoding({}).range(0).highest == 1.0);
  CHECK(encoding({}).beyond == Beyond::refused);
  network.suggested_ranges = {{-6, 6}, {0, 12}};
  CHECK(encoding({}).range(1).highest == 12.0);
  CHECK(encoding({}).beyond == Beyond::clipped);
  network.notes.ranges = {{0, 10}, {-5, 5}};
  CHECK(encoding({}).range(0).lowest == 0.0);  // never negative so far
  CHECK(encoding({}).range(0).highest == 11.0);
  CHECK(encoding({}).range(1).lowest == -6.0);
  QuantisationOptions options;
  options.ranges = {{0, 3}};
  CHECK(encoding(options).range(1).highest == 3.0);
  CHECK(encoding(options).beyond == Beyond::refused);
  options.beyond = Beyond::clipped;
  CHECK(encoding(options).beyond == Beyond::clipped);

  options = {};
  options.features = FeatureMap::gradients;
  CHECK(refusal([&] { quantise(network, options); }) == ErrorKind::invalid_argument);
  network.map = {128, 1, std::vector<double>(128, 1.0), {0}};
  network.input_shape = {128};
  network.notes.ranges.clear();
  CHECK(encoding(options).range(7).highest == 3.5);
  CHECK(encoding(options).beyond == Beyond::clipped);
}

TEST_CASE("the ranges of data are widened by a tenth, and those of constants to something") {
  const CalibrationSet rows{2, 3, {0, -2, 7, 10, 8, 7}, {}, {}};
  const std::vector<InputRange> ranges = widened_ranges(rows);
  CHECK(ranges[0].lowest == 0.0);
  CHECK(ranges[0].highest == 11.0);
  CHECK(ranges[1].lowest == -3.0);
  CHECK(ranges[1].highest == 9.0);
  CHECK(ranges[2].lowest < 7.0);
  CHECK(ranges[2].highest > 7.0);
  CHECK(refusal([] { widened_ranges({0, 3, {}, {}, {}}); }) == ErrorKind::invalid_argument);
}

TEST_CASE("flips, confusions and margins are those of the calibration data") {
  // With two bits an input 0.6 and 0.7 are the same.
  const ImportedNetwork network = two_pixel_network({1, 0, 0, 1}, {0, 0.001});
  QuantisationOptions options = widths(2, 12);
  options.ranges = {{0, 1}};
  const CalibrationSet rows{4, 2, {1, 0, 0, 1, 0.7, 0.6, 0.69, 0.6}, {0, 1, 0, 1}, {}};
  const QuantisationReport report = quantise(network, options, rows).report;
  CHECK(report.agreement == 0.5);
  REQUIRE(report.flips.size() == 2);
  CHECK(report.flips[0].index == 3);
  CHECK(report.flips[0].float_class == 0);
  CHECK(report.flips[0].integer_class == 1);
  CHECK(report.flips[0].margin == Approx(0.089));
  CHECK(report.flips[1].index == 2);
  CHECK(report.confusion == std::vector<std::size_t>{1, 1, 0, 2});
  CHECK(report.float_accuracy == 0.75);
  CHECK(report.integer_accuracy == 0.75);
  REQUIRE(report.margins.size() == 4);
  CHECK(report.margins[0] == Approx(1.0).margin(0.01));
  CHECK(report.beyond_range == 0);
}

TEST_CASE("calibration data beyond explicit ranges are clipped and counted, if that is meant") {
  const ImportedNetwork network = two_pixel_network({1, 0, 0, 1}, {0, 0});
  QuantisationOptions options = widths(8, 8);
  options.ranges = {{0, 1}};
  const CalibrationSet rows{2, 2, {0.5, 0.25, 3, 0}, {}, {}};
  CHECK(refusal([&] { quantise(network, options, rows); }) == ErrorKind::out_of_range);
  options.beyond = Beyond::clipped;
  const QuantisationReport report = quantise(network, options, rows).report;
  CHECK(report.beyond_range == 1);
  CHECK(report.largest_error <= report.error_bound);
}

TEST_CASE("few calibration inputs are filled up with mixtures that lie between them") {
  const CalibrationSet few{3, 2, {0, 0, 1, 0, 0, 1}, {0, 1, 1}, {}};
  const CalibrationSet mixed = with_mixtures(few);
  CHECK(mixed.count == 10000);
  REQUIRE(mixed.values.size() == 20000);
  CHECK(std::equal(few.values.begin(), few.values.end(), mixed.values.begin()));
  std::size_t inside = 0;
  for (std::size_t i = 0; i < mixed.count; ++i) {
    const double a = mixed[i][0];
    const double b = mixed[i][1];
    CHECK((a >= 0 && b >= 0 && a + b <= 1 + 1e-12));
    if (a > 0.1 && b > 0.1) ++inside;
  }
  CHECK(inside > 1000);
  CHECK(with_mixtures(few).values == mixed.values);
  CHECK(with_mixtures({1, 2, {0, 0}, {}, {}}).count == 1);
  // Each of the four inputs keeps its class with 1 and 2 bits; what lies between them does not.
  const ImportedNetwork network = two_pixel_network({1, 0, 0, 0.9}, {0, 0});
  QuantisationOptions options;
  options.ranges = {{0, 1}};
  options.agreement = 0.99;
  const QuantisationReport report = quantise(network, options, few).report;
  CHECK(report.agreement == 1.0);
  CHECK(report.input_bits + report.weight_bits > 6);
}

TEST_CASE("weights are scaled down until slots are narrow enough, and no further") {
  std::mt19937 random(3);  // NOLINT(cert-msc51-cpp): the same numbers every time
  QuantisationOptions options = widths(4, 8);
  const ImportedNetwork network = uneven_network(20, 4, random, options.ranges);
  const auto bits = [](const CompiledModel& model) {
    return static_cast<unsigned>(std::bit_width(2 * static_cast<std::uint64_t>(model.client_spec().bound)));
  };
  const auto largest = [](const CompiledModel& model) {
    std::int32_t top = 0;
    for (const std::int32_t weight : model.weights()) top = std::max(top, std::abs(weight));
    return top;
  };
  const CompiledModel free = quantise(network, options).model;
  REQUIRE(largest(free) == 127);
  for (unsigned narrower = 0; narrower <= 5; ++narrower) {
    CAPTURE(narrower);
    options.slot_bits = bits(free) - narrower;
    const QuantisedModel quantised = quantise(network, options);
    CHECK(bits(quantised.model) == *options.slot_bits);
    if (narrower == 0) CHECK(largest(quantised.model) == 127);
    if (narrower > 0) CHECK(largest(quantised.model) < 127);
    // Half the slot, half the weights, or nearly.
    CHECK(largest(quantised.model) >= (127 >> (narrower + 1)));
    CHECK(quantised.report.error_bound > 0);
  }
  options.slot_bits = 3;
  CHECK(refusal([&] { quantise(network, options); }) == ErrorKind::does_not_fit);
  options.slot_bits = 1;
  CHECK(refusal([&] { quantise(network, options); }) == ErrorKind::invalid_argument);
}
