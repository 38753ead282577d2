// All 10,000 test images of MNIST, classified under encryption with a key of 2048 bits, by a network trained
// elsewhere and by the models that come along; and those of Fashion-MNIST.

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "end_to_end/program.h"
#include "opaline/base/file.h"
#include "opaline/model/client_spec.h"
#include "opaline/model/data/dataset.h"
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

struct Model {
  std::string server;
  std::string client;
};

// Classifies all images under encryption, compares every integer with the clear calculation, and counts the
// images that are put into their class.
std::size_t right_under_encryption(const Model& model, const std::string& images,
                                   const std::vector<std::uint8_t>& labels) {
  const TemporaryFolder folder;
  run_ok({"keygen", "--bits", "2048", "--output", folder / "key"});
  run_ok({"encrypt", "--key", folder / "key.key", "--spec", model.client, "--images", images, "--layout",
          "throughput", "--output", folder / "query"});
  run_ok({"evaluate", "--model", model.server, "--output", folder / "reply", folder / "query"});
  const std::string decrypted = run_ok({"decrypt", "--key", folder / "key.key", "--spec", model.client,
                                        "--json", "--scores", folder / "reply"})
                                    .out;
  const std::string predicted =
      run_ok({"predict", "--model", model.server, "--images", images, "--json", "--scores"}).out;
  const std::vector<std::string> answers = lines_of(decrypted);
  REQUIRE(answers.size() == kImages);
  CHECK(answers == lines_of(predicted));
  std::size_t right = 0;
  for (std::size_t i = 0; i < kImages; ++i) {
    if (nlohmann::json::parse(answers[i]).at("class") == labels[i]) ++right;
  }
  return right;
}

std::string path_of(const char* file) { return data(file).string(); }

}  // namespace

TEST_CASE("every test image of MNIST gets the integers of the clear calculation") {
  const std::string images = path_of("mnist/t10k-images-idx3-ubyte.gz");
  const std::vector<std::uint8_t> labels = read_idx_labels(data("mnist/t10k-labels-idx1-ubyte.gz"));
  const TemporaryFolder folder;
  run_ok({"compile", path_of(kNetwork), "--output", folder / "model"});
  const std::size_t right =
      right_under_encryption({folder / "model.server", folder / "model.client"}, images, labels);
  const double difference =
      static_cast<double>(right) - static_cast<double>(right_by_floats(read_idx_images(images), labels));
  CHECK(std::abs(difference) <= 0.003 * kImages);
}

TEST_CASE("the models that come along are as good as is said of them, on all test images of MNIST") {
  const std::vector<std::uint8_t> labels = read_idx_labels(data("mnist/t10k-labels-idx1-ubyte.gz"));
  const std::pair<const char*, std::size_t> models[] = {
      {"digits", 9250}, {"digits-gradients", 9900}, {"digits-gradients-cosine", 9915}};
  for (const auto& [name, wanted] : models) {
    CAPTURE(name);
    const std::string path = std::string(OPALINE_DEMO_FOLDER) + "/" + name;
    const ClientSpec spec = ClientSpec::parse(read_file(path + ".client", kClientFileLimit), name);
    CHECK(spec.encoding.bits == 4);
    CHECK(spec.weight_bits == 6);
    CHECK(right_under_encryption({path + ".server", path + ".client"},
                                 path_of("mnist/t10k-images-idx3-ubyte.gz"), labels) >= wanted);
  }
}

TEST_CASE("clothes are told apart by their encrypted pixels") {
  const TemporaryFolder folder;
  run_ok({"train", "--images", path_of("fashion-mnist/train-images-idx3-ubyte.gz"), "--labels",
          path_of("fashion-mnist/train-labels-idx1-ubyte.gz"), "--hidden", "none", "--output",
          folder / "net.onnx"});
  run_ok({"compile", folder / "net.onnx", "--output", folder / "model"});
  const std::vector<std::uint8_t> labels = read_idx_labels(data("fashion-mnist/t10k-labels-idx1-ubyte.gz"));
  CHECK(right_under_encryption({folder / "model.server", folder / "model.client"},
                               path_of("fashion-mnist/t10k-images-idx3-ubyte.gz"), labels) >= 8400);
}
