#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "opaline/model/dataset.h"
#include "opaline/model/features.h"
#include "support/data.h"

using namespace opaline;

TEST_CASE("The gradient features of 50 digits are those another program computed") {
  const ImageSet images = read_idx_images(test::data("mnist/t10k-images-idx3-ubyte.gz"));
  std::ifstream file(test::data("models/public_features_first50.csv"));
  std::size_t rows = 0;
  for (std::string line; std::getline(file, line); ++rows) {
    const std::vector<double> features = features_of(FeatureMap::gradients, images[rows]);
    std::istringstream cells(line);
    std::size_t k = 0;
    for (std::string cell; std::getline(cells, cell, ','); ++k) {
      CAPTURE(rows, k);
      CHECK(features.at(k) == Approx(std::stod(cell)).epsilon(0).margin(1e-9));
    }
    CHECK(k == features.size());
  }
  CHECK(rows == 50);
}
