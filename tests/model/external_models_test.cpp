#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <sstream>

#include "opaline/base/error.h"
#include "opaline/base/file.h"
#include "opaline/model/data/dataset.h"
#include "opaline/model/onnx_network.h"
#include "opaline/model/quantise.h"
#include "support/data.h"

using namespace opaline;

// Networks, their logits and their collapsed maps as another program computed them.
namespace {

using Table = std::vector<std::vector<double>>;

Table read_csv(const std::string& name) {
  std::ifstream file(test::data(name.c_str()));
  Table table;
  for (std::string line; std::getline(file, line);) {
    std::istringstream cells(line);
    table.emplace_back();
    for (std::string cell; std::getline(cells, cell, ',');) table.back().push_back(std::stod(cell));
  }
  REQUIRE_FALSE(table.empty());
  return table;
}

/// The float64 matrix of a .npy file (NumPy's format 1.0), row by row.
std::vector<double> read_npy(const std::string& name, std::size_t rows, std::size_t columns) {
  constexpr std::size_t kLimit = std::size_t{1} << 20;
  const Bytes file = read_file(test::data(name.c_str()), kLimit);
  const std::size_t header = 10U + file.at(8) + 256U * file.at(9);
  REQUIRE(file.size() == header + rows * columns * sizeof(double));
  const std::string description(file.begin() + 10, file.begin() + static_cast<std::ptrdiff_t>(header));
  REQUIRE(description.find("'<f8'") != std::string::npos);
  const bool by_columns = description.find("'fortran_order': True") != std::string::npos;
  std::vector<double> matrix(rows * columns);
  for (std::size_t i = 0; i < matrix.size(); ++i) {
    std::uint64_t bits = 0;
    for (std::size_t byte = 0; byte < 8; ++byte)
      bits |= std::uint64_t{file[header + 8 * i + byte]} << (8 * byte);
    matrix[by_columns ? i % rows * columns + i / rows : i] = std::bit_cast<double>(bits);
  }
  return matrix;
}

ImportedNetwork import_model(const std::string& name) {
  return import_onnx(read_file(test::data(("models/" + name + ".onnx").c_str()), kOnnxLimit), name);
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double largest = 0.0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

/// Within 1e-9 of the largest entry: float32 weights are exact in double.
void check_entries(const std::vector<double>& found, const std::vector<double>& expected) {
  double largest = 0.0;
  for (const double each : expected) largest = std::max(largest, std::abs(each));
  CHECK(largest_difference(found, expected) <= 1e-9 * largest);
}

void check_map(const AffineMap& map, const std::string& name) {
  check_entries(map.weights, read_npy("models/" + name + ".collapsed_W.npy", map.outputs, map.inputs));
  check_entries(map.bias, read_npy("models/" + name + ".collapsed_b.npy", 1, map.outputs));
}

/// The floats give the logits known from outside, the integers the same within the bound they come with, and
/// in at least 99 of 100 the same class.
void check_logits(const ImportedNetwork& network, const std::string& name, const ImageSet& images) {
  const Table logits = read_csv("models/" + name + ".expected_logits.csv");
  REQUIRE(logits.size() == 100);
  const QuantisedModel quantised = quantise(network, {});
  const ClientSpec& spec = quantised.model.client_spec();
  std::size_t agree = 0;
  for (std::size_t i = 0; i < logits.size(); ++i) {
    std::vector<double> x;
    for (const std::uint8_t pixel : images[i]) x.push_back(static_cast<float>(pixel) / 255.0F);
    CHECK(largest_difference(network.map(x), logits[i]) < 1e-9);
    const auto best = std::max_element(logits[i].begin(), logits[i].end()) - logits[i].begin();
    const std::vector<std::int64_t> integers = quantised.model.predict(spec.encode_pixels(images[i]));
    CHECK(largest_difference(spec.scores(integers), logits[i]) <= quantised.report.error_bound);
    agree += spec.classify(integers) == static_cast<std::size_t>(best) ? 1U : 0U;
  }
  CHECK(agree >= 99);
}

CalibrationSet from(const ImageSet& images, const std::vector<std::uint8_t>& labels) {
  return calibration_of(images, labels, FeatureMap::none, {});
}

const char* const kMlp = "mnist_mlp_784_128_64_10_identity";

}  // namespace

TEST_CASE("MNIST networks collapse to the maps and logits known from outside") {
  const ImageSet images = read_idx_images(test::data("mnist/t10k-images-idx3-ubyte.gz"));
  for (const std::string& name : {std::string(kMlp), std::string("mnist_logreg")}) {
    CAPTURE(name);
    const ImportedNetwork network = import_model(name);
    CHECK(network.activation == OutputActivation::softmax);
    CHECK(network.map.inputs == 784);
    check_map(network.map, name);
    check_logits(network, name, images);
  }
  CHECK(import_model("mnist_logreg").input_shape == std::vector<std::size_t>{1, 28, 28});
}

TEST_CASE("a convolutional network collapses to the map known from outside") {
  const std::string name = "mnist_linear_cnn";
  const ImportedNetwork network = import_model(name);
  CHECK(network.map.inputs == 784);
  CHECK(network.map.outputs == 10);
  check_map(network.map, name);
  REQUIRE(network.largest_difference);
  CHECK(*network.largest_difference < 1e-12);
  check_logits(network, name, read_idx_images(test::data("mnist/t10k-images-idx3-ubyte.gz")));
}

TEST_CASE("a table network collapses, and its integers give the classes of its logits") {
  const std::string name = "wdbc_logreg";
  const ImportedNetwork network = import_model(name);
  CHECK(network.activation == OutputActivation::sigmoid);
  check_map(network.map, name);
  const Table rows = read_csv("models/wdbc_raw_features.csv");
  const Table logits = read_csv("models/" + name + ".expected_logits.csv");
  REQUIRE(rows.size() == logits.size());

  CalibrationSet calibration;
  calibration.count = rows.size();
  calibration.inputs = rows.front().size();
  for (const std::vector<double>& row : rows) {
    calibration.values.insert(calibration.values.end(), row.begin(), row.end());
  }
  QuantisationOptions options;
  options.ranges = widened_ranges(calibration);
  options.labels = {"malignant", "benign"};
  const QuantisedModel quantised = quantise(network, options, calibration);
  const ClientSpec& spec = quantised.model.client_spec();
  std::size_t agree = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    CHECK(largest_difference(network.map(rows[i]), logits[i]) < 1e-8);
    const std::vector<std::int64_t> integers = quantised.model.predict(spec.encode(rows[i]));
    CHECK(largest_difference(spec.scores(integers), logits[i]) <= quantised.report.error_bound);
    agree += spec.classify(integers) == (logits[i][0] > 0.0 ? 1U : 0U) ? 1U : 0U;
  }
  CHECK(quantised.report.agreement == static_cast<double>(agree) / static_cast<double>(rows.size()));
  CHECK(agree * 100 >= rows.size() * 99);
}

TEST_CASE("a network with a Relu is refused by that node's name") {
  try {
    import_model("REJECT_mnist_mlp_relu_784_128_10");
    FAIL_CHECK("accepted");
  } catch (const Error& error) {
    CHECK(error.kind() == ErrorKind::unsupported_model);
    CHECK_THAT(error.what(), Catch::Contains("\"Relu\"") && Catch::Contains("\"r\""));
  }
}

TEST_CASE("8/8 bits stay within 0.3 points of the float network on all MNIST test images") {
  const ImageSet images = read_idx_images(test::data("mnist/t10k-images-idx3-ubyte.gz"));
  const std::vector<std::uint8_t> labels = read_idx_labels(test::data("mnist/t10k-labels-idx1-ubyte.gz"));
  const ImportedNetwork network = import_model(kMlp);
  QuantisationOptions options;
  options.input_bits = 8;
  options.weight_bits = 8;
  const QuantisationReport report = quantise(network, options, from(images, labels)).report;
  CHECK(report.calibration_inputs == 10000);
  CHECK(report.agreement > 0.99);
  CHECK(*report.float_accuracy > 0.92);
  CHECK(std::abs(*report.float_accuracy - *report.integer_accuracy) <= 0.003);
}

TEST_CASE("automatic widths reach the agreement asked for on all MNIST test images") {
  const ImageSet images = read_idx_images(test::data("mnist/t10k-images-idx3-ubyte.gz"));
  const std::vector<std::uint8_t> labels = read_idx_labels(test::data("mnist/t10k-labels-idx1-ubyte.gz"));
  const QuantisationReport report = quantise(import_model(kMlp), {}, from(images, labels)).report;
  CHECK(report.agreement >= 0.995);
  CHECK(report.input_bits + report.weight_bits <= 16);
  CHECK(std::abs(*report.float_accuracy - *report.integer_accuracy) <= 0.003);
}
