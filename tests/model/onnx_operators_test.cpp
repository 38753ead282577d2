#include <catch2/catch.hpp>

#include "collapse_check.h"
#include "network_builder.h"
#include "opaline/base/error.h"
#include "opaline/model/onnx_network.h"

using namespace opaline;
using opaline::test::check;
using opaline::test::NetworkBuilder;

namespace {

const std::vector<double> kIdentity2 = {1, 0, 0, 1};

}  // namespace

TEST_CASE("Gemm computes alpha x B + beta C") {
  NetworkBuilder network({2});
  network.numbers("b", {2, 3}, {1, 2, 3, 4, 5, 6});
  network.numbers("c", {3}, {10, 20, 30});
  onnx::NodeProto& gemm = network.node("Gemm", {"x", "b", "c"}, "y");
  SECTION("by default") { check(network, {1, 4, 2, 5, 3, 6}, {10, 20, 30}); }
  SECTION("with factors") {
    NetworkBuilder::attribute(gemm, "alpha", 2.0F);
    NetworkBuilder::attribute(gemm, "beta", -0.5F);
    check(network, {2, 8, 4, 10, 6, 12}, {-5, -10, -15});
  }
  SECTION("without C") {
    gemm.mutable_input()->RemoveLast();
    check(network, {1, 4, 2, 5, 3, 6}, {0, 0, 0});
  }
  SECTION("with an empty name for C") {
    gemm.set_input(2, "");
    check(network, {1, 4, 2, 5, 3, 6}, {0, 0, 0});
  }
}

TEST_CASE("Gemm takes transposed weights and broadcasts C") {
  NetworkBuilder network({2});
  network.numbers("b", {3, 2}, {1, 2, 3, 4, 5, 6});
  SECTION("a scalar") { network.numbers("c", {}, {7}); }
  SECTION("one number") { network.numbers("c", {1}, {7}); }
  SECTION("one number, one row") { network.numbers("c", {1, 1}, {7}); }
  SECTION("one row") { network.numbers("c", {1, 3}, {7, 7, 7}); }
  NetworkBuilder::attribute(network.node("Gemm", {"x", "b", "c"}, "y"), "transB", std::int64_t{1});
  check(network, {1, 2, 3, 4, 5, 6}, {7, 7, 7});
}

TEST_CASE("Gemm of two constants adds the input") {
  NetworkBuilder network({3});
  network.numbers("a", {2, 1}, {1, 2});
  network.numbers("b", {3, 2}, {1, 2, 3, 4, 5, 6});
  onnx::NodeProto& gemm = network.node("Gemm", {"a", "b", "x"}, "y");
  NetworkBuilder::attribute(gemm, "transA", std::int64_t{1});
  NetworkBuilder::attribute(gemm, "transB", std::int64_t{1});
  NetworkBuilder::attribute(gemm, "alpha", 2.0F);
  NetworkBuilder::attribute(gemm, "beta", -0.5F);
  check(network, {-0.5, 0, 0, 0, -0.5, 0, 0, 0, -0.5}, {10, 22, 34});
}

TEST_CASE("MatMul multiplies the last dimension") {
  SECTION("of rows") {
    NetworkBuilder network({2});
    network.numbers("w", {2, 1}, {3, 4});
    network.node("MatMul", {"x", "w"}, "y");
    check(network, {3, 4}, {0});
  }
  SECTION("of several rows an image") {
    NetworkBuilder network({2, 2});
    network.numbers("w", {2, 1}, {3, 4});
    network.node("MatMul", {"x", "w"}, "y");
    check(network, {3, 4, 0, 0, 0, 0, 3, 4}, {0, 0});
  }
}

TEST_CASE("constants are added, subtracted, multiplied and divided element by element") {
  NetworkBuilder network({2});
  network.numbers("c", {2}, {4, -8});
  SECTION("x + c") {
    network.node("Add", {"x", "c"}, "y");
    check(network, kIdentity2, {4, -8});
  }
  SECTION("c + x") {
    network.node("Add", {"c", "x"}, "y");
    check(network, kIdentity2, {4, -8});
  }
  SECTION("x - c") {
    network.node("Sub", {"x", "c"}, "y");
    check(network, kIdentity2, {-4, 8});
  }
  SECTION("c - x") {
    network.node("Sub", {"c", "x"}, "y");
    check(network, {-1, 0, 0, -1}, {4, -8});
  }
  SECTION("x c") {
    network.node("Mul", {"x", "c"}, "y");
    check(network, {4, 0, 0, -8}, {0, 0});
  }
  SECTION("c x") {
    network.node("Mul", {"c", "x"}, "y");
    check(network, {4, 0, 0, -8}, {0, 0});
  }
  SECTION("x / c") {
    network.node("Div", {"x", "c"}, "y");
    check(network, {0.25, 0, 0, -0.125}, {0, 0});
  }
}

TEST_CASE("constants are broadcast over any dimension") {
  NetworkBuilder network({2, 3});
  std::vector<double> expected;
  SECTION("over rows") {
    network.numbers("c", {3}, {1, 2, 3});
    expected = {1, 2, 3, 1, 2, 3};
  }
  SECTION("over columns") {
    network.numbers("c", {2, 1}, {1, 2});
    expected = {1, 1, 1, 2, 2, 2};
  }
  SECTION("over the batch") {
    network.numbers("c", {1, 2, 3}, {1, 2, 3, 4, 5, 6});
    expected = {1, 2, 3, 4, 5, 6};
  }
  SECTION("over all") {
    network.numbers("c", {}, {9});
    expected = {9, 9, 9, 9, 9, 9};
  }
  network.node("Add", {"x", "c"}, "y");
  CHECK(import_onnx(network.bytes(), "test").map.bias == expected);
}

TEST_CASE("branches meet again") {
  NetworkBuilder network({2});
  network.numbers("w", {2, 2}, {1, 2, 3, 4});
  network.numbers("c", {2}, {10, 20});
  network.node("MatMul", {"x", "w"}, "a");
  network.node("Add", {"a", "c"}, "b");
  SECTION("residual") {
    network.node("Add", {"b", "x"}, "y");
    check(network, {2, 3, 2, 5}, {10, 20});
  }
  SECTION("difference") {
    network.node("Sub", {"x", "b"}, "y");
    check(network, {0, -3, -2, -3}, {-10, -20});
  }
  SECTION("with itself") {
    network.node("Add", {"b", "b"}, "y");
    check(network, {2, 6, 4, 8}, {20, 40});
  }
  SECTION("with itself cancelled, which leaves a constant zero") {
    network.node("Sub", {"b", "b"}, "y");
    check(network, {0, 0, 0, 0}, {0, 0});
  }
}

TEST_CASE("operators that change no number keep the map") {
  NetworkBuilder network({1, 2});
  onnx::NodeProto* node = nullptr;
  SECTION("Identity") { network.node("Identity", {"x"}, "y"); }
  SECTION("Dropout") { network.node("Dropout", {"x"}, "y").add_output("mask"); }
  SECTION("Dropout whose mask is used") {
    network.node("Dropout", {"x"}, "d").add_output("mask");
    NetworkBuilder::attribute(network.node("Cast", {"mask"}, "kept"), "to",
                              std::int64_t{onnx::TensorProto::FLOAT});
    network.node("Mul", {"d", "kept"}, "y");
  }
  SECTION("Dropout with its switches") {
    network.numbers("ratio", {}, {0.5F});
    onnx::TensorProto& training = network.integers("training", {});
    training.clear_dims();
    training.set_data_type(onnx::TensorProto::BOOL);
    training.add_int32_data(0);
    network.node("Dropout", {"x", "ratio", "training"}, "y");
  }
  SECTION("Cast") {
    node = &network.node("Cast", {"x"}, "y");
    NetworkBuilder::attribute(*node, "to", std::int64_t{onnx::TensorProto::DOUBLE});
  }
  SECTION("Flatten") { network.node("Flatten", {"x"}, "y"); }
  SECTION("Flatten from the end") {
    node = &network.node("Flatten", {"x"}, "y");
    NetworkBuilder::attribute(*node, "axis", std::int64_t{-2});
  }
  SECTION("Flatten of dimensions of size 1 into the batch") {
    node = &network.node("Flatten", {"x"}, "y");
    NetworkBuilder::attribute(*node, "axis", std::int64_t{2});
  }
  for (const auto& [title, shape] :
       std::vector<std::pair<std::string, std::vector<std::int64_t>>>{{"all given", {0, 2, 1}},
                                                                      {"one inferred", {0, -1}},
                                                                      {"batch inferred", {-1, 2}},
                                                                      {"copied", {0, 0, 2}}}) {
    SECTION("Reshape, " + title) {
      network.integers("shape", shape);
      network.node("Reshape", {"x", "shape"}, "y");
    }
  }
  check(network, kIdentity2, {0, 0});
}

TEST_CASE("a batch of exactly one may be named in a Reshape") {
  NetworkBuilder network({2});
  network.input_shape().mutable_dim(0)->set_dim_value(1);
  network.integers("shape", {1, 2});
  network.node("Reshape", {"x", "shape"}, "y");
  check(network, kIdentity2, {0, 0});
}

TEST_CASE("constants may be nodes, copied and cast") {
  NetworkBuilder network({2});
  onnx::AttributeProto& value = *network.node("Constant", {}, "c").add_attribute();
  SECTION("a tensor") {
    value.set_name("value");
    value.set_type(onnx::AttributeProto::TENSOR);
    onnx::TensorProto& tensor = *value.mutable_t();
    tensor.set_data_type(onnx::TensorProto::DOUBLE);
    tensor.add_dims(2);
    tensor.add_double_data(0.1);
    tensor.add_double_data(0.1);
  }
  SECTION("a list") {
    value.set_name("value_floats");
    value.set_type(onnx::AttributeProto::FLOATS);
    value.add_floats(0.1F);
    value.add_floats(0.1F);
  }
  SECTION("a number") {
    value.set_name("value_float");
    value.set_type(onnx::AttributeProto::FLOAT);
    value.set_f(0.1F);
  }
  network.node("Identity", {"c"}, "d");
  NetworkBuilder::attribute(network.node("Cast", {"d"}, "e"), "to", std::int64_t{onnx::TensorProto::FLOAT});
  network.node("Add", {"x", "e"}, "y");
  const AffineMap map = import_onnx(network.bytes(), "test").map;
  REQUIRE(map.bias.size() == 2);
  CHECK(map.bias[0] == Approx(0.1));
  CHECK(map.bias[1] == Approx(0.1));
}

TEST_CASE("a shape may be a Constant node") {
  NetworkBuilder network({1, 2});
  onnx::AttributeProto& value = *network.node("Constant", {}, "shape").add_attribute();
  value.set_name("value_ints");
  value.set_type(onnx::AttributeProto::INTS);
  value.add_ints(0);
  value.add_ints(-1);
  network.node("Reshape", {"x", "shape"}, "y");
  check(network, kIdentity2, {0, 0});
}

TEST_CASE("weights in raw little-endian bytes, float and double") {
  NetworkBuilder network({1});
  onnx::TensorProto& tensor = network.numbers("w", {1, 1}, {});
  // 1.5 is 0x3fc00000 and 0x3ff8000000000000 (IEEE 754).
  SECTION("float") { tensor.set_raw_data(std::string("\x00\x00\xc0\x3f", 4)); }
  SECTION("double") {
    tensor.set_data_type(onnx::TensorProto::DOUBLE);
    tensor.set_raw_data(std::string("\x00\x00\x00\x00\x00\x00\xf8\x3f", 8));
  }
  network.node("MatMul", {"x", "w"}, "y");
  check(network, {1.5}, {0});
}

TEST_CASE("weights of half precision") {
  NetworkBuilder network({1});
  onnx::TensorProto& tensor = network.numbers("w", {1, 1}, {});
  tensor.set_data_type(onnx::TensorProto::FLOAT16);
  tensor.add_int32_data(0x3e00);  // 1.5 (IEEE 754)
  network.node("MatMul", {"x", "w"}, "y");
  check(network, {1.5}, {0});
}

TEST_CASE("a last node that keeps the order of the outputs goes to the client") {
  for (const auto& [type, activation] :
       std::vector<std::pair<std::string, OutputActivation>>{{"Softmax", OutputActivation::softmax},
                                                             {"LogSoftmax", OutputActivation::log_softmax},
                                                             {"Sigmoid", OutputActivation::sigmoid},
                                                             {"ArgMax", OutputActivation::argmax}}) {
    CAPTURE(type);
    NetworkBuilder network({2});
    network.numbers("c", {2}, {1, 2});
    network.node("Add", {"x", "c"}, "logits");
    onnx::NodeProto& last = network.node(type, {"logits"}, "y");
    if (type == "ArgMax") NetworkBuilder::attribute(last, "axis", std::int64_t{-1});
    const ImportedNetwork imported = import_onnx(network.bytes(), "test");
    CHECK(imported.activation == activation);
    CHECK(imported.map.bias == std::vector<double>{1, 2});
    CHECK(imported.operators == std::vector<std::string>{"Add", type});
  }
}

TEST_CASE("Softmax before opset 13 works over all dimensions from its axis on") {
  NetworkBuilder network({2, 3});
  network.node("Softmax", {"x"}, "y");
  network.opset(12);
  CHECK(import_onnx(network.bytes(), "test").activation == OutputActivation::softmax);
  network.opset(13);
  CHECK_THROWS_WITH(import_onnx(network.bytes(), "test"), Catch::Contains("all outputs"));
}

TEST_CASE("the input's shape is kept, weights among the inputs are not inputs") {
  NetworkBuilder network({1, 2, 3});
  network.numbers("c", {}, {1});
  network.graph().add_input()->set_name("c");
  network.node("Add", {"x", "c"}, "y");
  CHECK(import_onnx(network.bytes(), "test").input_shape == std::vector<std::size_t>{1, 2, 3});
}

TEST_CASE("deep linear networks collapse to the product of their layers") {
  NetworkBuilder network({3});
  // (x A + a) B + b with integers, so that doubles are exact.
  network.numbers("A", {3, 4}, {1, 2, 0, -1, 3, 1, 1, 0, -2, 0, 5, 1});
  network.numbers("a", {4}, {1, 0, -1, 2});
  network.numbers("B", {2, 4}, {1, 1, 1, 1, 2, 0, -1, 3});
  network.numbers("b", {2}, {100, 200});
  network.node("Gemm", {"x", "A", "a"}, "h");
  network.node("Identity", {"h"}, "i");
  NetworkBuilder::attribute(network.node("Gemm", {"i", "B", "b"}, "y"), "transB", std::int64_t{1});
  check(network, {2, 5, 4, -1, 5, -6}, {102, 209});
}

TEST_CASE("the affine map refuses a vector of another length") {
  const AffineMap map{2, 1, {1, 2}, {3}};
  CHECK(map({10, 100}) == std::vector<double>{213});
  CHECK_THROWS_AS(map({10}), Error);
}

TEST_CASE("a network in the form of every operator set from 7 to 21") {
  for (std::int64_t version = 7; version <= 21; ++version) {
    CAPTURE(version);
    NetworkBuilder network({1, 2, 2});
    network.opset(version);
    network.numbers("w", {1, 1, 2, 1}, {1, 10});
    const auto listed = [&](const std::string& type, const std::string& x, const std::string& name,
                            const std::vector<std::int64_t>& values, std::int64_t since,
                            const std::string& output) -> onnx::NodeProto& {
      onnx::NodeProto& node = network.node(type, {x}, output);
      if (version < since) {
        NetworkBuilder::attribute(node, name, values);
      } else {
        network.integers(name + output, values);
        node.add_input(name + output);
      }
      return node;
    };
    listed("Pad", "x", "pads", {0, 0, 1, 0, 0, 0, 0, 0}, 11, "p");  // 1 x 1 x 3 x 2
    network.node("Conv", {"p", "w"}, "c");                          // 1 x 1 x 2 x 2
    listed("Squeeze", "c", "axes", {1}, 13, "s");
    listed("Unsqueeze", "s", "axes", {1}, 13, "u");
    onnx::NodeProto& split = listed("Split", "u", "split", {1, 1}, 13, "a");
    NetworkBuilder::attribute(split, "axis", std::int64_t{2});
    split.add_output("b");
    network.node("Sub", {"b", "a"}, "d");  // 1 x 1 x 1 x 2
    onnx::NodeProto& sum = listed("ReduceSum", "d", "axes", {3}, 13, "r");
    NetworkBuilder::attribute(sum, "keepdims", std::int64_t{0});
    listed("ReduceMean", "r", "axes", {2}, 18, "m");
    network.node("Flatten", {"m"}, "y");
    // Rows p: (0, 0), (x0, x1), (x2, x3); a = 10 (x0, x1), b = (x0, x1) + 10 (x2, x3).
    check(network, {-9, -9, 10, 10}, {0});
  }
}
