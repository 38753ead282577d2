#include <onnx/checker.h>
#include <onnx/onnx_pb.h>

#include <catch2/catch.hpp>

#include "opaline/base/error.h"
#include "opaline/model/onnx_network.h"
#include "opaline/model/training/seeded_random.h"
#include "opaline/model/training/trainer.h"

using namespace opaline;

namespace {

TrainedNetwork random_network(const std::vector<std::size_t>& sizes) {
  SeededRandom random(1);
  TrainedNetwork network;
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    DenseLayer layer{sizes[i - 1], sizes[i], {}, {}};
    for (std::size_t k = 0; k < layer.inputs * layer.outputs; ++k) {
      layer.weights.push_back(static_cast<float>(random.uniform(-1, 1)));
    }
    for (std::size_t k = 0; k < layer.outputs; ++k) {
      layer.bias.push_back(static_cast<float>(random.uniform(-1, 1)));
    }
    network.layers.push_back(layer);
  }
  return network;
}

std::vector<double> evaluate(const TrainedNetwork& network, std::vector<double> signal) {
  for (const DenseLayer& layer : network.layers) {
    std::vector<double> sums(layer.bias.begin(), layer.bias.end());
    for (std::size_t o = 0; o < layer.outputs; ++o) {
      for (std::size_t i = 0; i < layer.inputs; ++i) {
        sums[o] += static_cast<double>(layer.weights[o * layer.inputs + i]) * signal[i];
      }
    }
    signal = sums;
  }
  return signal;
}

}  // namespace

TEST_CASE("A written network is valid by ONNX's own checker") {
  for (const std::vector<std::size_t>& sizes : {std::vector<std::size_t>{6, 3}, {20, 9, 7, 4}}) {
    const Bytes file = to_onnx(random_network(sizes));
    onnx::ModelProto model;
    REQUIRE(model.ParseFromArray(file.data(), static_cast<int>(file.size())));
    CHECK_NOTHROW(onnx::checker::check_model(model));
    CHECK(model.producer_name() == "opaline");
    REQUIRE(model.opset_import_size() == 1);
    CHECK(model.opset_import(0).version() == 13);
    CHECK(model.graph().input(0).name() == "input");
    CHECK(model.graph().output(0).name() == "probabilities");
  }
}

TEST_CASE("A written network is read again as the affine map it is") {
  const TrainedNetwork network = random_network({20, 9, 7, 4});
  const ImportedNetwork imported = import_onnx(to_onnx(network), "network");
  CHECK(imported.input_shape == std::vector<std::size_t>{20});
  CHECK(imported.activation == OutputActivation::softmax);
  CHECK(imported.operators == std::vector<std::string>{"Flatten", "Gemm", "Identity", "Gemm", "Identity",
                                                       "Gemm", "Identity", "Softmax"});
  SeededRandom random(2);
  for (int round = 0; round < 20; ++round) {
    std::vector<double> x(20);
    for (double& value : x) value = random.uniform(-1, 1);
    const std::vector<double> expected = evaluate(network, x);
    const std::vector<double> got = imported.map(x);
    REQUIRE(got.size() == expected.size());
    for (std::size_t k = 0; k < got.size(); ++k) CHECK(got[k] == Approx(expected[k]).margin(1e-9));
  }
}

TEST_CASE("Layers that do not fit together are not written") {
  const auto refused = [](auto change) {
    TrainedNetwork network = random_network({6, 5, 4});
    change(network.layers);
    CHECK_THROWS_AS(to_onnx(network), Error);
  };
  refused([](auto& layers) { layers.clear(); });
  refused([](auto& layers) { layers.pop_back(), layers.push_back(layers.front()); });
  refused([](auto& layers) { layers[0].weights.pop_back(); });
  refused([](auto& layers) { layers[1].bias.push_back(0); });
  refused([](auto& layers) { layers[0].inputs = 0, layers[0].weights.clear(); });
}
