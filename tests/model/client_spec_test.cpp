#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "opaline/base/error.h"
#include "opaline/model/compiled_model.h"
#include "sample_model.h"

using namespace opaline;

TEST_CASE("encoding rounds half up onto equal steps") {
  const InputEncoding encoding{{{0.0, 1.0}}, 2};
  CHECK(encoding.maximum() == 3);
  CHECK(encoding.encode(0, 0.0) == 0);
  CHECK(encoding.encode(0, 0.16) == 0);
  CHECK(encoding.encode(0, 0.17) == 1);
  CHECK(encoding.encode(0, 0.5) == 2);  // 1.5 steps
  CHECK(encoding.encode(0, 1.0) == 3);
  const InputEncoding shifted{{{-2.0, 2.0}}, 1};
  CHECK(shifted.encode(0, -0.01) == 0);
  CHECK(shifted.encode(0, 0.0) == 1);
}

TEST_CASE("8 bits keep every pixel") {
  const InputEncoding encoding;
  const PixelScaling pixels;
  for (unsigned pixel = 0; pixel < 256; ++pixel) {
    CHECK(encoding.encode(0, pixels(static_cast<std::uint8_t>(pixel))) == pixel);
  }
}

TEST_CASE("encoding refuses what is outside its range, but for rounding at the borders") {
  const InputEncoding encoding{{{-1.0, 3.0}}, 8};
  CHECK(encoding.encode(0, std::nextafter(-1.0, -2.0)) == 0);
  CHECK(encoding.encode(0, std::nextafter(3.0, 4.0)) == 255);
  for (const double x :
       {-1.0001, 3.0001, 1e308, -1e308, std::numeric_limits<double>::infinity(),
        -std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()}) {
    CAPTURE(x);
    try {
      encoding.encode(0, x);
      FAIL_CHECK("encoded");
    } catch (const Error& error) {
      CHECK(error.kind() == ErrorKind::out_of_range);
    }
  }
}

TEST_CASE("an image becomes integers through the pixel scaling") {
  ClientSpec spec = test::sample_spec();
  const std::vector<std::uint8_t> image = {0, 255, 17, 8};
  CHECK(spec.encode_pixels(image) == std::vector<std::int64_t>{0, 15, 1, 0});
  spec.pixels = {1.0 / 255.0, 0.5, 0.5};
  spec.encoding.ranges = {{-1.0, 1.0}};
  CHECK(spec.encode_pixels(image) == std::vector<std::int64_t>{0, 15, 1, 0});
  CHECK_THROWS_AS(spec.encode_pixels(std::vector<std::uint8_t>(3)), Error);
  spec.encoding.ranges = {{0.0, 1.0}};
  CHECK_THROWS_AS(spec.encode_pixels(image), Error);
}

TEST_CASE("answers become scores and a class") {
  ClientSpec spec = test::sample_spec();
  const std::vector<std::int64_t> answers = {-4, 8, 8};
  CHECK(spec.scores(answers) == std::vector<double>{-1.0, 2.0, 2.0});
  CHECK(spec.classify(answers) == 1);
  CHECK_THROWS_AS(spec.scores(std::vector<std::int64_t>(2)), Error);
  CHECK_THROWS_AS(spec.classify(std::vector<std::int64_t>(4)), Error);
}

TEST_CASE("one output with a sigmoid tells two classes apart at zero") {
  ClientSpec spec;
  spec.outputs = 1;
  spec.activation = OutputActivation::sigmoid;
  CHECK(spec.classes() == 2);
  CHECK(spec.classify(std::vector<std::int64_t>{1}) == 1);
  CHECK(spec.classify(std::vector<std::int64_t>{0}) == 0);
  CHECK(spec.classify(std::vector<std::int64_t>{-1}) == 0);
  spec.activation = OutputActivation::none;
  CHECK(spec.classes() == 1);
  CHECK(spec.classify(std::vector<std::int64_t>{5}) == 0);
}

TEST_CASE("every input has its own range where there are several") {
  const InputEncoding encoding{{{0.0, 10.0}, {-1.0, 1.0}}, 1};
  CHECK(encoding.encode(0, 4.9) == 0);
  CHECK(encoding.encode(0, 5.0) == 1);
  CHECK(encoding.encode(1, -0.1) == 0);
  CHECK(encoding.encode(1, 0.0) == 1);
  CHECK(encoding.step(0) == 10.0);
  CHECK(encoding.step(1) == 2.0);
  CHECK(encoding.covers(0, 10.0));
  CHECK_FALSE(encoding.covers(1, 10.0));
}

TEST_CASE("numbers beyond the range are clipped where the model says so, but none that is not finite") {
  const InputEncoding encoding{{{-1.0, 3.0}}, 8, Beyond::clipped};
  CHECK(encoding.encode(0, 1e308) == 255);
  CHECK(encoding.encode(0, -1e308) == 0);
  CHECK(encoding.encode(0, 1.0) == 128);
  for (const double x : {std::numeric_limits<double>::infinity(), -std::numeric_limits<double>::infinity(),
                         std::numeric_limits<double>::quiet_NaN()}) {
    CHECK_THROWS_AS(encoding.encode(0, x), Error);
  }
}

TEST_CASE("an error names the column of the number that does not fit") {
  ClientSpec spec = test::sample_spec();
  spec.columns = {"age", "height", "weight", "pulse"};
  try {
    spec.encode(std::vector<double>{0.0, 1.0, 1.5, 0.0});
    FAIL_CHECK("encoded");
  } catch (const Error& error) {
    CHECK_THAT(error.what(), Catch::Contains("column \"weight\"") && Catch::Contains("1.5"));
  }
  CHECK_THROWS_AS(spec.encode(std::vector<double>(3)), Error);
}

TEST_CASE("features are taken of an image before it is encoded") {
  ClientSpec spec;
  spec.inputs = 128;
  spec.features = FeatureMap::gradients;
  spec.encoding = {{{0.0, 3.5}}, 4, Beyond::clipped};
  CHECK(spec.image_size() == 784);
  std::vector<std::uint8_t> image(784, 0);
  for (std::size_t row = 4; row < 24; ++row) image[row * 28 + 14] = 255;
  const std::vector<double> features = features_of(FeatureMap::gradients, image);
  const std::vector<std::int64_t> integers = spec.encode_pixels(image);
  REQUIRE(integers.size() == 128);
  for (std::size_t j = 0; j < 128; ++j) {
    const double wanted = std::clamp(std::floor(features[j] * 15 / 3.5 + 0.5), 0.0, 15.0);
    CHECK(static_cast<double>(integers[j]) == wanted);
  }
  CHECK_THROWS_AS(spec.encode_pixels(std::vector<std::uint8_t>(128)), Error);
}

TEST_CASE("the offset and the scales of outputs come back in their scores") {
  ClientSpec spec = test::sample_spec();
  spec.output_offset = -10;
  CHECK(spec.scores(std::vector<std::int64_t>{10, 12, 0}) == std::vector<double>{0.0, 0.5, -2.5});
  spec.output_scales = {1.0, 0.5, 100.0};
  CHECK(spec.scores(std::vector<std::int64_t>{14, 30, 11}) == std::vector<double>{4.0, 10.0, 100.0});
  // Integers of different scales say nothing about each other.
  CHECK(spec.classify(std::vector<std::int64_t>{14, 30, 11}) == 2);

  ClientSpec binary;
  binary.outputs = 1;
  binary.activation = OutputActivation::sigmoid;
  binary.output_offset = -10;
  CHECK(binary.classify(std::vector<std::int64_t>{10}) == 0);
  CHECK(binary.classify(std::vector<std::int64_t>{11}) == 1);
}

TEST_CASE("probabilities follow the last activation") {
  ClientSpec spec = test::sample_spec();
  std::vector<double> shares = spec.probabilities(std::vector<std::int64_t>{0, 4, -40000});
  CHECK(shares[0] == Approx(1 / (1 + std::exp(1.0))));
  CHECK(shares[1] == Approx(std::exp(1.0) / (1 + std::exp(1.0))));
  CHECK(shares[2] == 0.0);
  // No overflow on the way.
  shares = spec.probabilities(std::vector<std::int64_t>{std::int64_t{1} << 61, 0, 0});
  CHECK(shares == std::vector<double>{1.0, 0.0, 0.0});
  spec.activation = OutputActivation::argmax;
  CHECK(spec.probabilities(std::vector<std::int64_t>{0, 4, 8}).empty());

  ClientSpec binary;
  binary.outputs = 1;
  binary.activation = OutputActivation::sigmoid;
  shares = binary.probabilities(std::vector<std::int64_t>{2});
  CHECK(shares[0] == Approx(1 / (1 + std::exp(2.0))));
  CHECK(shares[1] == Approx(1 / (1 + std::exp(-2.0))));
  CHECK(binary.probabilities(std::vector<std::int64_t>{-5000}) == std::vector<double>{1.0, 0.0});
}

TEST_CASE("a regression has values and no classes") {
  ClientSpec spec = test::sample_spec();
  spec.task = Task::regression;
  CHECK(spec.scores(std::vector<std::int64_t>{4, 8, 12}) == std::vector<double>{1.0, 2.0, 3.0});
  CHECK_THROWS_AS(spec.classify(std::vector<std::int64_t>{4, 8, 12}), Error);
}

TEST_CASE("the largest specs there can be are within the limit of their file") {
  const std::string longest(256, 'x');
  ClientSpec table = test::sample_spec();
  table.inputs = kMostColumns;
  table.input_shape = {table.inputs};
  table.outputs = kMostOutputs;
  table.name = longest;
  table.labels.assign(table.outputs, longest);
  table.answers.assign(kMostOutputs, longest);
  table.columns.assign(table.inputs, longest);
  table.encoding.ranges.assign(table.inputs, {-1.5, 0.1});
  table.output_scales.assign(table.outputs, 0.1);
  for (std::uint32_t input = 1; input < table.inputs; ++input) table.unused.push_back(input);

  ClientSpec image = table;
  image.inputs = kMostInputs;
  image.input_shape = {1024, 1024};
  image.columns.clear();
  image.encoding.ranges.assign(image.inputs, {-1.5, 0.1});
  image.unused.clear();
  for (std::uint32_t input = 1; input < image.inputs; ++input) image.unused.push_back(input);

  for (const ClientSpec& spec : {table, image}) {
    const Bytes file = spec.serialise();
    CHECK(file.size() > kClientFileLimit * 3 / 4);  // no limit is far above what it is for
    CHECK(file.size() <= kClientFileLimit);
    CHECK((ClientSpec::parse(file, "large").serialise() == file));
  }
}
