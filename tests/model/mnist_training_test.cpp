#include <algorithm>
#include <catch2/catch.hpp>

#include "opaline/model/data/dataset.h"
#include "opaline/model/onnx_network.h"
#include "opaline/model/training/trainer.h"
#include "support/data.h"

using namespace opaline;
using opaline::test::data;

TEST_CASE("The MNIST files have the published shape and class histogram") {
  const ImageSet images = read_idx_images(data("mnist/t10k-images-idx3-ubyte.gz"));
  CHECK(images.count == 10000);
  CHECK(images.rows == 28);
  CHECK(images.columns == 28);
  const std::vector<std::uint8_t> labels = read_idx_labels(data("mnist/t10k-labels-idx1-ubyte.gz"));
  std::vector<std::size_t> histogram(10);
  for (const std::uint8_t label : labels) ++histogram.at(label);
  CHECK(histogram == std::vector<std::size_t>{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009});
}

TEST_CASE("Training with the default options reaches 92.4 % on the MNIST test images") {
  const TrainedNetwork network =
      train(read_idx_images(data("mnist/train-images-idx3-ubyte.gz")),
            read_idx_labels(data("mnist/train-labels-idx1-ubyte.gz")), TrainingOptions{}, {});
  const AffineMap map = import_onnx(to_onnx(network), "trained network").map;
  const ImageSet images = read_idx_images(data("mnist/t10k-images-idx3-ubyte.gz"));
  const std::vector<std::uint8_t> labels = read_idx_labels(data("mnist/t10k-labels-idx1-ubyte.gz"));
  std::size_t right = 0;
  for (std::size_t i = 0; i < images.count; ++i) {
    std::vector<double> x;
    for (const std::uint8_t pixel : images[i]) x.push_back(pixel / 255.0);
    const std::vector<double> y = map(x);
    if (std::max_element(y.begin(), y.end()) - y.begin() == labels[i]) ++right;
  }
  CHECK(right >= 9240);
}
