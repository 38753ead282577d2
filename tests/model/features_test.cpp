#include "opaline/model/features.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "opaline/base/error.h"
#include "opaline/model/gradient_histogram.h"
#include "opaline/model/seeded_random.h"
#include "opaline/model/sign_projection.h"

using namespace opaline;

namespace {

using Image = std::vector<std::uint8_t>;

Image blank(std::uint8_t ink = 0) { return Image(kFeaturePixels, ink); }

Image box(std::size_t top, std::size_t left, std::size_t rows, std::size_t columns, std::uint8_t ink = 255) {
  Image image = blank();
  for (std::size_t r = top; r < top + rows; ++r) {
    for (std::size_t c = left; c < left + columns; ++c) image[r * kFeatureImageSide + c] = ink;
  }
  return image;
}

Image noise(std::uint64_t seed, std::size_t one_in) {
  SeededRandom random(seed);
  Image image = blank();
  for (std::uint8_t& pixel : image) {
    if (random.below(one_in) == 0) pixel = static_cast<std::uint8_t>(random.below(256));
  }
  return image;
}

FeatureImage fixed(const Image& image) {
  FeatureImage pixels{};
  std::copy(image.begin(), image.end(), pixels.begin());
  return pixels;
}

std::vector<Image> extremes() {
  std::vector<Image> images = {blank(),           blank(1),         blank(255),        box(0, 0, 1, 28),
                               box(27, 0, 1, 28), box(0, 0, 28, 1), box(0, 27, 28, 1), box(0, 0, 1, 1, 1)};
  for (std::size_t p = 0; p < kFeaturePixels; ++p) {
    Image image = blank();
    image[p] = p % 2 == 0 ? 1 : 255;
    images.push_back(image);
    // One row of ink and one faint pixel elsewhere: the steepest shears there are.
    Image steep = box(0, 14, 1, 14);
    steep[p] = 1;
    images.push_back(steep);
  }
  for (std::uint64_t seed = 0; seed < 50; ++seed) images.push_back(noise(seed, 1 + seed % 40));
  return images;
}

}  // namespace

TEST_CASE("Maps have names, sizes and ranges") {
  CHECK(feature_count(FeatureMap::gradients) == 128);
  CHECK(feature_count(FeatureMap::gradients_cosine) == 400);
  CHECK(feature_range(FeatureMap::gradients).lowest == 0.0);
  CHECK(feature_range(FeatureMap::gradients).highest == 3.5);
  CHECK(feature_range(FeatureMap::gradients_cosine).lowest == -1.0);
  CHECK(feature_range(FeatureMap::gradients_cosine).highest == 1.0);
  CHECK(name_of(FeatureMap::gradients_cosine) == "gradients-cosine");
  for (const FeatureMap map : {FeatureMap::none, FeatureMap::gradients, FeatureMap::gradients_cosine}) {
    CHECK(feature_map_of(name_of(map)) == map);
  }
  CHECK_FALSE(feature_map_of("Gradients"));
  CHECK_FALSE(feature_map_of(""));
}

TEST_CASE("No map, and images of another size, are refused") {
  CHECK_THROWS_AS(feature_count(FeatureMap::none), Error);
  CHECK_THROWS_AS(feature_range(FeatureMap::none), Error);
  CHECK_THROWS_AS(features_of(FeatureMap::none, blank()), Error);
  for (const std::size_t size : {0U, 1U, 783U, 785U}) {
    CHECK_THROWS_AS(features_of(FeatureMap::gradients, Image(size)), Error);
    CHECK_THROWS_AS(features_of(FeatureMap::gradients_cosine, Image(size)), Error);
  }
}

TEST_CASE("Every image has finite features within bounds") {
  for (const Image& image : extremes()) {
    const std::vector<double> gradients = features_of(FeatureMap::gradients, image);
    REQUIRE(gradients.size() == 128);
    // The squares of 128 features have a mean of 1 at most.
    REQUIRE(std::all_of(gradients.begin(), gradients.end(),
                        [](double f) { return f >= 0 && f <= std::sqrt(128.0); }));
    REQUIRE(std::inner_product(gradients.begin(), gradients.end(), gradients.begin(), 0.0) < 128.0001);
    const std::vector<double> cosines = features_of(FeatureMap::gradients_cosine, image);
    REQUIRE(cosines.size() == 400);
    REQUIRE(std::all_of(cosines.begin(), cosines.end(), [](double f) { return f >= -1 && f <= 1; }));
  }
}

TEST_CASE("An empty image has no gradients, and the cosines of the phases alone") {
  const std::vector<double> gradients = features_of(FeatureMap::gradients, blank());
  CHECK(std::all_of(gradients.begin(), gradients.end(), [](double f) { return f == 0.0; }));
  SeededRandom random(1);
  const std::vector<double> cosines = features_of(FeatureMap::gradients_cosine, blank());
  for (std::size_t k = 0; k < 400; ++k) {
    for (int i = 0; i < 520; ++i) random.next();
    CHECK(cosines[k] == Approx(std::cos(2 * M_PI * random.uniform())).margin(1e-12));
  }
}

TEST_CASE("The generator of signs begins with the published numbers, lowest bits as signs") {
  SeededRandom random(1);
  for (const std::uint64_t expected :
       {0x910a2dec89025cc1U, 0xbeeb8da1658eec67U, 0xf893a2eefb32555eU, 0x71c18690ee42c90bU}) {
    CHECK(random.next() == expected);
  }
  // One output: signs − − + by those numbers, then the phase of the fourth.
  const std::vector<double> h = {0.3, 0.5, 1.1};
  const double phase = 2 * M_PI * static_cast<double>(0x71c18690ee42c90bU) * 0x1p-64;
  const std::vector<double> cosines = SignProjection(3, 1, 1).cosines(h);
  REQUIRE(cosines.size() == 1);
  CHECK(cosines[0] == Approx(std::cos((-0.3 - 0.5 + 1.1) / std::sqrt(3.0) + phase)).margin(1e-12));
}

TEST_CASE("Deskewing leaves what is centred and upright, and centres what is not") {
  const Image centred = box(8, 10, 12, 8);
  CHECK(deskewed(fixed(centred)) == fixed(centred));
  CHECK(deskewed(fixed(box(2, 15, 12, 8))) == fixed(centred));
  CHECK(deskewed(fixed(blank())) == fixed(blank()));
  CHECK(deskewed(fixed(blank(200))) == fixed(blank(200)));
}

TEST_CASE("Deskewing puts a slanted bar upright") {
  Image slanted = blank();
  for (std::size_t r = 4; r < 24; ++r) {  // one column a row to the right: shear 1
    for (std::size_t c = 0; c < 3; ++c) slanted[r * kFeatureImageSide + r + c] = 255;
  }
  CHECK(deskewed(fixed(slanted)) == deskewed(fixed(box(4, 12, 20, 3))));
}

TEST_CASE("A dot's votes are those worked out by hand") {
  // The four neighbours of a dot see gradients that point to it, of its full size.
  const std::vector<GradientVote> votes = gradient_votes(fixed(box(10, 20, 1, 1, 51)));
  REQUIRE(votes.size() == 4);
  const auto check = [&](std::size_t i, std::size_t row, std::size_t column, std::size_t direction) {
    CAPTURE(i);
    CHECK(votes[i].row == row);
    CHECK(votes[i].column == column);
    CHECK(votes[i].direction == direction);
    CHECK(votes[i].share == Approx(0.2));
    CHECK(votes[i].next_share == Approx(0.0).margin(1e-12));
  };
  check(0, 9, 20, 2);   // above: ink grows downwards
  check(1, 10, 19, 0);  // left of it: to the right
  check(2, 10, 21, 4);
  check(3, 11, 20, 6);
}

TEST_CASE("A gradient between two directions is shared by its angle") {
  Image image = blank();
  image[5 * kFeatureImageSide + 6] = 100;  // right of (5, 5)
  image[6 * kFeatureImageSide + 5] = 50;   // below it
  const std::vector<GradientVote> votes = gradient_votes(fixed(image));
  const auto vote = std::find_if(votes.begin(), votes.end(),
                                 [](const GradientVote& v) { return v.row == 5 && v.column == 5; });
  REQUIRE(vote != votes.end());
  const double turn = std::atan(0.5) * 4 / M_PI;
  CHECK(vote->direction == 0);
  CHECK(vote->share == Approx(std::hypot(100, 50) / 255 * (1 - turn)));
  CHECK(vote->next_share == Approx(std::hypot(100, 50) / 255 * turn));
}

TEST_CASE("Turning an image by half a turn permutes its features") {
  // Of an image that is centred and upright already, so that no rounding of pixels comes in between.
  Image image = box(8, 10, 12, 8);
  image[9 * kFeatureImageSide + 11] = 0;
  image[18 * kFeatureImageSide + 16] = 0;
  for (std::size_t c : {12U, 13U}) image[10 * kFeatureImageSide + c] = 60;
  for (std::size_t c : {14U, 15U}) image[17 * kFeatureImageSide + c] = 60;
  Image lopsided = image;
  lopsided[14 * kFeatureImageSide + 12] = 100;
  Image turned = lopsided;
  std::reverse(turned.begin(), turned.end());
  REQUIRE(turned != lopsided);
  const WindowGrid grid(4, 4.5, 2.4);
  const std::vector<double> before = grid.histograms(gradient_votes(fixed(lopsided)));
  const std::vector<double> after = grid.histograms(gradient_votes(fixed(turned)));
  for (std::size_t d = 0; d < 8; ++d) {
    for (std::size_t i = 0; i < 4; ++i) {
      for (std::size_t j = 0; j < 4; ++j) {
        CHECK(after[d * 16 + i * 4 + j] ==
              Approx(before[(d + 4) % 8 * 16 + (3 - i) * 4 + (3 - j)]).margin(1e-9));
      }
    }
  }
}

TEST_CASE("Features hardly depend on the strength of the ink") {
  const std::vector<double> strong = features_of(FeatureMap::gradients, box(5, 6, 15, 9, 240));
  const std::vector<double> weak = features_of(FeatureMap::gradients, box(5, 6, 15, 9, 120));
  for (std::size_t k = 0; k < strong.size(); ++k) CHECK(strong[k] == Approx(weak[k]).margin(1e-3));
}
