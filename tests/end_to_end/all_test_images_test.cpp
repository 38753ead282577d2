// All 10,000 test images of MNIST, classified under encryption in the batch layout with a key of 2048 bits.

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "end_to_end/program.h"
#include "opaline/base/file.h"
#include "opaline/model/dataset.h"
#include "opaline/model/onnx_network.h"
#include "support/data.h"
#include "support/temporary_folder.h"

using namespace opaline;
using namespace opaline::test;

namespace {

constexpr std::size_t kImages = 10000;
const char* const kNetwork = "models/mnist_mlp_784_128_64_10_identity.onnx";

// How many images the float network puts in the class of their label.
std::size_t right_by_floats(const ImageSet& images, const std::vector<std::uint8_t>& labels) {
  const AffineMap network = import_onnx(read_file(data(kNetwork), kOnnxLimit), kNetwork).map;
  std::size_t right = 0;
  for (std::size_t i = 0; i < images.count; ++i) {
    std::vector<double> input;
    for (const std::uint8_t pixel : images[i]) input.push_back(pixel / 255.0);
    const std::vector<double> output = network(input);
    if (std::max_element(output.begin(), output.end()) - output.begin() == labels[i]) ++right;
  }
  return right;
}

}  // namespace

TEST_CASE("every test image of MNIST gets the integers of the clear calculation") {
  const std::string images = data("mnist/t10k-images-idx3-ubyte.gz").string();
  const TemporaryFolder folder;
  run_ok({"keygen", "--bits", "2048", "--output", folder / "key"});
  run_ok({"compile", data(kNetwork).string(), "--output", folder / "model"});
  run_ok({"encrypt", "--key", folder / "key.key", "--spec", folder / "model.client", "--images", images,
          "--layout", "throughput", "--output", folder / "query"});
  run_ok({"evaluate", "--model", folder / "model.server", "--output", folder / "reply", folder / "query"});
  const std::string decrypted = run_ok({"decrypt", "--key", folder / "key.key", "--spec",
                                        folder / "model.client", "--json", "--scores", folder / "reply"})
                                    .out;
  const std::string predicted =
      run_ok({"predict", "--model", folder / "model.server", "--images", images, "--json", "--scores"}).out;
  const std::vector<std::string> answers = lines_of(decrypted);
  REQUIRE(answers.size() == kImages);
  CHECK(answers == lines_of(predicted));

  const std::vector<std::uint8_t> labels = read_idx_labels(data("mnist/t10k-labels-idx1-ubyte.gz"));
  std::size_t right = 0;
  for (std::size_t i = 0; i < kImages; ++i) {
    if (nlohmann::json::parse(answers[i]).at("class") == labels[i]) ++right;
  }
  const double difference =
      static_cast<double>(right) - static_cast<double>(right_by_floats(read_idx_images(images), labels));
  CHECK(std::abs(difference) <= 0.003 * kImages);
}
