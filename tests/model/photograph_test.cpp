#include "opaline/model/data/photograph.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <string>

#include "camera.h"
#include "faithfulness.h"
#include "opaline/base/error.h"
#include "support/error_kind.h"

using namespace opaline;
using opaline::test::any_shot;
using opaline::test::Faithfulness;
using opaline::test::faithfulness;
using opaline::test::mean_difference;
using opaline::test::photograph;
using opaline::test::Shot;

namespace {

ImageSet samples() { return read_idx_images(test::demo("digits-images-idx3-ubyte.gz")); }

GreyImage flat(std::size_t rows, std::size_t columns, std::uint8_t grey) {
  return {rows, columns, std::vector<std::uint8_t>(rows * columns, grey)};
}

GreyImage block(const GreyImage& paper, std::size_t top, std::size_t left, std::size_t rows,
                std::size_t columns, std::uint8_t grey) {
  GreyImage picture = paper;
  for (std::size_t r = top; r < top + rows; ++r) {
    for (std::size_t c = left; c < left + columns; ++c) picture.pixels[r * picture.columns + c] = grey;
  }
  return picture;
}

GreyImage cut(const GreyImage& picture, std::size_t top, std::size_t left, std::size_t rows,
              std::size_t columns) {
  GreyImage part{rows, columns, {}};
  for (std::size_t r = top; r < top + rows; ++r) {
    const auto row = picture.pixels.begin() + static_cast<std::ptrdiff_t>(r * picture.columns + left);
    part.pixels.insert(part.pixels.end(), row, row + static_cast<std::ptrdiff_t>(columns));
  }
  return part;
}

GreyImage framed(const GreyImage& picture, std::size_t width, std::uint8_t grey) {
  GreyImage all = flat(picture.rows + 2 * width, picture.columns + 2 * width, grey);
  for (std::size_t r = 0; r < picture.rows; ++r) {
    std::copy_n(picture.pixels.begin() + static_cast<std::ptrdiff_t>(r * picture.columns), picture.columns,
                all.pixels.begin() + static_cast<std::ptrdiff_t>((r + width) * all.columns + width));
  }
  return all;
}

/// How many of the samples keep their class in pictures made of their photographs.
template <typename Change>
std::size_t same_class_when(const ImageSet& images, const Change& change) {
  const test::DemoModel model;
  std::size_t same = 0;
  for (std::size_t i = 0; i < images.count; ++i) {
    for (const bool dark_on_light : {true, false}) {
      Shot shot;
      shot.dark_on_light = dark_on_light;
      shot.border = 4 * shot.enlargement;
      shot.noise = 3;
      const GreyImage changed = change(photograph(images[i], shot), i, shot);
      try {
        same += model.class_of(digit_from(changed)[0]) == model.class_of(images[i]) ? 1U : 0U;
      } catch (const Error& error) {
        CHECK(error.kind() == ErrorKind::invalid_argument);
      }
    }
  }
  return same;
}

}  // namespace

TEST_CASE("A digit like MNIST's comes back as it is") {
  const ImageSet images = samples();
  for (std::size_t i = 0; i < images.count; ++i) {
    const std::vector<std::uint8_t> pixels(images[i].begin(), images[i].end());
    const ImageSet again = digit_from({28, 28, pixels});
    CHECK(again.count == 1);
    CHECK(again.pixels == pixels);
  }
}

// A centre of mass half-way between two pixels may go to either: a digit then comes back beside its place,
// which is most of the differences here.
TEST_CASE("A clean enlargement comes back nearly") {
  const ImageSet images = samples();
  for (const std::size_t enlargement : {1U, 3U, 7U, 20U}) {
    for (const bool smooth : {false, true}) {
      CAPTURE(enlargement, smooth);
      const Faithfulness found = faithfulness(images, [&](std::size_t i) {
        Shot shot;
        shot.enlargement = enlargement;
        shot.smooth = smooth;
        shot.dark_on_light = i % 2 == 0;
        shot.border = 2 * enlargement;
        return shot;
      });
      CHECK(found.difference < (smooth ? 8 : 3));
      CHECK(found.same_class * 100 >= images.count * 97);
    }
  }
}

TEST_CASE("Photographs of every kind keep the digit and its class") {
  const ImageSet images = samples();
  const Faithfulness found = faithfulness(images, [](std::size_t i) { return any_shot(i); });
  CHECK(found.difference < 8);
  CHECK(found.same_class * 100 >= images.count * 95);
}

TEST_CASE("Pictures with hardly any paper around the digit are read") {
  const ImageSet images = samples();
  for (const std::size_t margin : {1U, 2U, 3U}) {  // in pixels of 28×28
    CAPTURE(margin);
    const std::size_t same =
        same_class_when(images, [&](const GreyImage& picture, std::size_t i, const Shot& shot) {
          std::size_t top = 28;
          std::size_t bottom = 0;
          std::size_t left = 28;
          std::size_t right = 0;
          for (std::size_t at = 0; at < 784; ++at) {
            if (images[i][at] < 60) continue;
            top = std::min(top, at / 28);
            bottom = std::max(bottom, at / 28 + 1);
            left = std::min(left, at % 28);
            right = std::max(right, at % 28 + 1);
          }
          return cut(picture, shot.border / 4 + (top - margin) * shot.enlargement,
                     shot.border / 2 + (left - margin) * shot.enlargement,
                     (bottom - top + 2 * margin) * shot.enlargement,
                     (right - left + 2 * margin) * shot.enlargement);
        });
    CHECK(same * 100 >= 2 * images.count * 96);
  }
}

TEST_CASE("A sheet on a ground of the ink's brightness is read") {
  const ImageSet images = samples();
  for (const std::size_t width : {10U, 40U, 200U}) {
    CAPTURE(width);
    const std::size_t same = same_class_when(images, [&](const GreyImage& picture, std::size_t,
                                                         const Shot& shot) {
      return framed(picture, width, static_cast<std::uint8_t>(shot.dark_on_light ? shot.ink : shot.paper));
    });
    CHECK(same * 100 >= 2 * images.count * 96);
  }
}

TEST_CASE("A drawn bar fills the box's height and has its mass in the middle") {
  const ImageSet image = digit_from(block(flat(300, 200, 230), 40, 30, 200, 40, 20));
  CHECK(image.rows == 28);
  CHECK(image.columns == 28);
  // 200×40 is 20×4: with the mass at pixel 14, rows 4 … 23 or 5 … 24, columns 12 … 15 or 13 … 16.
  std::size_t ink = 0;
  for (std::size_t i = 0; i < 784; ++i) {
    const bool near = i / 28 >= 4 && i / 28 <= 24 && i % 28 >= 12 && i % 28 <= 16;
    if (!near) CHECK(image.pixels[i] == 0);
    ink += image.pixels[i] > 200 ? 1U : 0U;
  }
  CHECK(ink == 80);
}

TEST_CASE("A thin pen's strokes are broadened, broad ones are not") {
  // The ink across the upright stroke of an L 200 pixels high, in pixels of 28×28.
  const auto width_of = [](std::size_t pen) {
    const GreyImage paper = flat(300, 300, 230);
    const ImageSet image = digit_from(block(block(paper, 50, 90, 200, pen, 20), 250 - pen, 90, pen, 120, 20));
    return std::accumulate(image.pixels.begin() + 10 * 28, image.pixels.begin() + 11 * 28, 0.0) / 255;
  };
  CHECK(width_of(2) == Approx(1.8).margin(0.4));
  CHECK(width_of(6) == Approx(1.8).margin(0.4));
  CHECK(width_of(30) == Approx(3.0).margin(0.2));
  CHECK(width_of(50) == Approx(5.0).margin(0.2));
}

TEST_CASE("Dirt far from the digit does not move it") {
  const GreyImage clean = block(flat(300, 300, 230), 80, 130, 150, 40, 20);
  const GreyImage dirty = block(block(clean, 10, 10, 4, 4, 30), 280, 270, 5, 3, 60);
  CHECK(mean_difference(digit_from(dirty)[0], digit_from(clean)[0]) < 1);
}

TEST_CASE("A picture without a digit is refused, saying so") {
  const auto refused = [](const GreyImage& picture) {
    const std::optional<Error> error = test::error_of([&] { digit_from(picture); });
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::invalid_argument);
    CHECK_THAT(error->what(), Catch::Contains("no digit in the picture"));
    CHECK(std::string(error->what()).find('\n') == std::string::npos);
  };
  for (const std::uint8_t grey : std::vector<std::uint8_t>{0, 1, 128, 255}) {
    refused(flat(1, 1, grey));
    refused(flat(28, 28, grey));
    refused(flat(2, 500, grey));
    refused(flat(300, 200, grey));
    refused(flat(701, 900, grey));  // made smaller first, with rounding errors
    refused(framed(flat(701, 900, grey), 50, static_cast<std::uint8_t>(grey ^ 1U)));
  }
  const std::vector<std::uint8_t> blank(784, 0);
  for (std::uint64_t seed = 0; seed < 30; ++seed) {
    CAPTURE(seed);
    Shot shot = any_shot(seed);
    refused(photograph(blank, shot));  // paper, light and noise
    shot.gradient = 0;
    shot.noise = 20;
    refused(photograph(blank, shot));
  }
}

TEST_CASE("A picture that contradicts itself is refused") {
  CHECK(test::kind_of([] { digit_from({0, 0, {}}); }) == ErrorKind::invalid_argument);
  CHECK(test::kind_of([] { digit_from({28, 28, {1, 2, 3}}); }) == ErrorKind::invalid_argument);
}

TEST_CASE("Pictures of every shape give an image or an error") {
  std::size_t images = 0;
  for (const std::size_t rows : {1U, 2U, 3U, 19U, 57U, 700U}) {
    for (const std::size_t columns : {1U, 2U, 5U, 28U, 111U, 900U}) {
      for (const std::size_t share : {2U, 3U, 10U}) {
        const GreyImage picture =
            block(flat(rows, columns, 200), rows / 3, columns / 3, std::max<std::size_t>(1, rows / share),
                  std::max<std::size_t>(1, columns / share), 10);
        try {
          const ImageSet image = digit_from(picture);
          CHECK(image.pixels.size() == 784);
          CHECK(*std::max_element(image.pixels.begin(), image.pixels.end()) == 255);
          ++images;
        } catch (const Error& error) {
          CHECK(error.kind() == ErrorKind::invalid_argument);
        }
      }
    }
  }
  CHECK(images > 60);
}

TEST_CASE("The demonstration's photographs are read for what they are") {
  for (const std::size_t digit : {2U, 3U, 5U, 7U, 9U}) {
    CAPTURE(digit);
    const std::string name = "digit-" + std::to_string(digit) + ".png";
    CHECK(test::DemoModel().class_of(digit_from(read_png(test::demo(name.c_str())))[0]) == digit);
  }
}
