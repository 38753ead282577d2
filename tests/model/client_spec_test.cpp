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
