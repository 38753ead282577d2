#include <catch2/catch.hpp>

#include <random>

#include "network_builder.h"
#include "opaline/base/error.h"
#include "opaline/model/onnx_network.h"

using namespace opaline;
using opaline::test::NetworkBuilder;

namespace {

/// A network with every sort of node, weight and attribute.
Bytes rich_network() {
  NetworkBuilder network({1, 2, 2});
  network.numbers("w", {4, 3}, {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
  network.numbers("b", {3}, {1, 2, 3});
  network.numbers("m", {3, 3}, {}).set_raw_data(std::string(36, '\x3e'));
  network.integers("shape", {0, -1});
  network.node("Flatten", {"x"}, "f").set_name("flat");
  onnx::NodeProto& gemm = network.node("Gemm", {"f", "w", "b"}, "g");
  NetworkBuilder::attribute(gemm, "alpha", 0.5F);
  NetworkBuilder::attribute(gemm, "transB", std::int64_t{0});
  network.node("MatMul", {"g", "m"}, "n");
  network.node("Add", {"n", "g"}, "a");
  network.node("Dropout", {"a"}, "d");
  network.node("Reshape", {"d", "shape"}, "r");
  onnx::AttributeProto& value = *network.node("Constant", {}, "c").add_attribute();
  value.set_name("value_float");
  value.set_type(onnx::AttributeProto::FLOAT);
  value.set_f(2.0F);
  network.node("Mul", {"r", "c"}, "l");
  network.node("Softmax", {"l"}, "y");
  return network.bytes();
}

/// Either a network whose sizes fit together, or an Error; anything else ends the test.
void import_or_refuse(const Bytes& file) {
  try {
    const ImportedNetwork network = import_onnx(file, "hostile");
    CHECK(network.map.weights.size() == network.map.inputs * network.map.outputs);
    CHECK(network.map.bias.size() == network.map.outputs);
  } catch (const Error&) {
    SUCCEED();
  }
}

}  // namespace

TEST_CASE("the network that the damage is done to is sound") {
  CHECK(import_onnx(rich_network(), "whole").map.outputs == 3);
}

TEST_CASE("an ONNX file truncated at any length is refused or read, never worse") {
  const Bytes whole = rich_network();
  for (std::size_t length = 0; length < whole.size(); ++length) {
    import_or_refuse(Bytes(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)));
  }
}

TEST_CASE("an ONNX file with any bit flipped is refused or read, never worse") {
  Bytes file = rich_network();
  for (std::size_t i = 0; i < file.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      file[i] = static_cast<std::uint8_t>(file[i] ^ (1U << bit));
      import_or_refuse(file);
      file[i] = static_cast<std::uint8_t>(file[i] ^ (1U << bit));
    }
  }
}

TEST_CASE("an ONNX file with random bytes in it is refused or read, never worse") {
  const Bytes whole = rich_network();
  std::mt19937 random(1);  // NOLINT(cert-msc51-cpp): the same damage every time
  for (int round = 0; round < 20000; ++round) {
    Bytes file = whole;
    for (int change = 0; change < 4; ++change)
      file[random() % file.size()] = static_cast<std::uint8_t>(random());
    import_or_refuse(file);
  }
}
