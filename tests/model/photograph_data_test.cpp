#include <algorithm>
#include <catch2/catch.hpp>

#include "faithfulness.h"
#include "opaline/model/dataset.h"
#include "support/data.h"

using namespace opaline;

TEST_CASE("Photographs of MNIST's first 200 test images keep their class") {
  ImageSet images = read_idx_images(test::data("mnist/t10k-images-idx3-ubyte.gz"));
  images.count = 200;
  images.pixels.resize(images.count * images.image_size());
  const test::Faithfulness found =
      test::faithfulness(images, [](std::size_t i) { return test::any_shot(1000 + i); });
  CHECK(found.same_class * 100 >= images.count * 95);
  CHECK(found.difference < 8);
}

TEST_CASE("MNIST's test images themselves are taken as they are") {
  const ImageSet images = read_idx_images(test::data("mnist/t10k-images-idx3-ubyte.gz"));
  std::size_t same = 0;
  for (std::size_t i = 0; i < images.count; ++i) {
    const ImageSet again = digit_from({28, 28, {images[i].begin(), images[i].end()}});
    same += std::equal(again.pixels.begin(), again.pixels.end(), images[i].begin()) ? 1U : 0U;
  }
  CHECK(same == images.count);
}
