#include <catch2/catch.hpp>

#include "collapse_check.h"

using namespace opaline;
using opaline::test::answers;
using opaline::test::NetworkBuilder;
using opaline::test::refusal;

namespace {

using Integers = std::vector<std::int64_t>;
using Numbers = std::vector<double>;

const Numbers kCounting = {1, 2, 3, 4, 5, 6};  // 1 x 2 x 3: 123, 456

}  // namespace

TEST_CASE("Transpose reorders dimensions, the batch's among them") {
  NetworkBuilder network({2, 3});
  onnx::NodeProto& node = network.node("Transpose", {"x"}, "y");
  SECTION("the image's") { NetworkBuilder::attribute(node, "perm", Integers{0, 2, 1}); }
  SECTION("all, which is the default") {}
  SECTION("the batch in the middle") { NetworkBuilder::attribute(node, "perm", Integers{2, 0, 1}); }
  CHECK(answers(network, kCounting) == Numbers{1, 4, 2, 5, 3, 6});
}

TEST_CASE("a Transpose that moves only the batch keeps the elements") {
  NetworkBuilder network({2, 3});
  NetworkBuilder::attribute(network.node("Transpose", {"x"}, "y"), "perm", Integers{1, 0, 2});
  CHECK(answers(network, kCounting) == kCounting);
}

TEST_CASE("a product with the constant on the left, and with vectors") {
  NetworkBuilder network({2, 3});
  SECTION("on the left of every image") {
    network.numbers("c", {1, 2}, {1, 10});
    network.node("MatMul", {"c", "x"}, "y");
    CHECK(answers(network, kCounting) == Numbers{41, 52, 63});
  }
  SECTION("a row vector") {
    network.numbers("c", {2}, {1, 10});
    network.node("MatMul", {"c", "x"}, "y");
    CHECK(answers(network, kCounting) == Numbers{41, 52, 63});
  }
  SECTION("a column vector") {
    network.numbers("c", {3}, {1, 10, 100});
    network.node("MatMul", {"x", "c"}, "y");
    CHECK(answers(network, kCounting) == Numbers{321, 654});
  }
  SECTION("a stack of matrices") {
    network.numbers("c", {2, 1, 2}, {1, 0, 0, 1});
    network.node("MatMul", {"c", "x"}, "y");
    // A batch of two would be taken for a stack of two.
    CHECK_THAT(refusal(network), Catch::Contains("batch"));
    network.input_shape().mutable_dim(0)->set_dim_value(1);
    CHECK(answers(network, kCounting) == kCounting);
  }
  SECTION("transposed, weights first, as some exporters write dense layers") {
    network.integers("axes", {0});
    network.numbers("w", {2, 2}, {1, 2, 3, 4});
    network.node("Squeeze", {"x", "axes"}, "s");
    network.node("Gemm", {"s", "w"}, "y");
    NetworkBuilder::attribute(*network.graph().mutable_node(1), "transA", std::int64_t{1});
    // xᵀ w, 3 x 2: column j of x is (j, j + 3).
    CHECK(answers(network, kCounting) == Numbers{13, 18, 17, 24, 21, 30});
  }
  SECTION("Gemm with the constant first and a variable added") {
    network.integers("axes", {0});
    network.numbers("w", {2, 2}, {1, 2, 3, 4});
    network.node("Squeeze", {"x", "axes"}, "s");
    onnx::NodeProto& gemm = network.node("Gemm", {"w", "s", "s"}, "y");
    NetworkBuilder::attribute(gemm, "beta", -1.0F);
    CHECK(answers(network, kCounting) == Numbers{8, 10, 12, 15, 21, 27});
  }
}

TEST_CASE("Reshape by the input's own shape") {
  NetworkBuilder network({2, 3});
  network.integers("zero", {0});
  network.integers("minus_one", {-1});
  network.numbers("w", {6, 1}, {1, 1, 1, 1, 1, 1});
  network.node("Shape", {"x"}, "shape");
  NetworkBuilder::attribute(network.node("Gather", {"shape", "zero"}, "batch"), "axis", std::int64_t{0});
  NetworkBuilder::attribute(network.node("Concat", {"batch", "minus_one"}, "target"), "axis",
                            std::int64_t{0});
  network.node("Reshape", {"x", "target"}, "flat");
  network.node("MatMul", {"flat", "w"}, "y");
  CHECK(answers(network, kCounting) == Numbers{21});
}

TEST_CASE("Size and a part of the Shape are constants") {
  NetworkBuilder network({2, 3});
  network.opset(15);
  network.node("Size", {"x"}, "size");
  NetworkBuilder::attribute(network.node("Shape", {"x"}, "last"), "start", std::int64_t{-1});
  network.node("Mul", {"size", "last"}, "product");
  NetworkBuilder::attribute(network.node("Cast", {"product"}, "number"), "to",
                            std::int64_t{onnx::TensorProto::FLOAT});
  network.node("Add", {"x", "number"}, "y");
  // The number of images is part of the Size, so that a batch of two would give other answers.
  CHECK_THAT(refusal(network), Catch::Contains("batch"));
  network.input_shape().mutable_dim(0)->set_dim_value(1);
  CHECK(answers(network, kCounting) == Numbers{19, 20, 21, 22, 23, 24});
}

TEST_CASE("Squeeze and Unsqueeze, axes as attribute and as input") {
  NetworkBuilder network({1, 3, 2});
  SECTION("attributes") {
    network.opset(12);
    NetworkBuilder::attribute(network.node("Squeeze", {"x"}, "s"), "axes", Integers{1});
    NetworkBuilder::attribute(network.node("Unsqueeze", {"s"}, "u"), "axes", Integers{1, -1});
  }
  SECTION("inputs") {
    network.integers("one", {1});
    network.integers("two", {1, -1});
    network.node("Squeeze", {"x", "one"}, "s");
    network.node("Unsqueeze", {"s", "two"}, "u");
  }
  SECTION("all that are 1, the batch as well") {
    network.integers("three", {0, 1, -1});
    network.node("Squeeze", {"x"}, "s");
    network.node("Unsqueeze", {"s", "three"}, "u");
  }
  // u is 1 x 1 x 3 x 2 x 1.
  NetworkBuilder::attribute(network.node("Transpose", {"u"}, "y"), "perm", Integers{0, 1, 3, 2, 4});
  CHECK(answers(network, kCounting) == Numbers{1, 3, 5, 2, 4, 6});
}

TEST_CASE("Expand and Tile repeat") {
  NetworkBuilder network({2});
  network.integers("sizes", {1, 2, 2});
  network.integers("repeats", {1, 3});
  SECTION("Expand") {
    network.integers("axes", {2});
    network.node("Unsqueeze", {"x", "axes"}, "u");
    network.node("Expand", {"u", "sizes"}, "y");
    CHECK(answers(network, {1, 2}) == Numbers{1, 1, 2, 2});
  }
  SECTION("Expand to more dimensions, which is ambiguous for a batch") {
    network.input_shape().mutable_dim(0)->set_dim_value(1);
    network.node("Expand", {"x", "sizes"}, "y");
    CHECK(answers(network, {1, 2}) == Numbers{1, 2, 1, 2});
  }
  SECTION("Tile") {
    network.node("Tile", {"x", "repeats"}, "y");
    CHECK(answers(network, {1, 2}) == Numbers{1, 2, 1, 2, 1, 2});
  }
}

TEST_CASE("Tile in two dimensions") {
  NetworkBuilder network({2, 2});
  network.integers("repeats", {1, 2, 2});
  network.node("Tile", {"x", "repeats"}, "y");
  CHECK(answers(network, {1, 2, 3, 4}) == Numbers{1, 2, 1, 2, 3, 4, 3, 4, 1, 2, 1, 2, 3, 4, 3, 4});
}

TEST_CASE("CastLike keeps real numbers") {
  NetworkBuilder network({2});
  network.opset(15);
  network.numbers("like", {1}, {0});
  network.integers("whole", {0});
  SECTION("like a float") {
    network.node("CastLike", {"x", "like"}, "y");
    CHECK(answers(network, {1.5, 2}) == Numbers{1.5, 2});
  }
  SECTION("like a whole number") {
    network.node("CastLike", {"x", "whole"}, "y");
    CHECK_THAT(refusal(network), Catch::Contains("whole numbers"));
  }
}

TEST_CASE("constants may be made by nodes of any kind") {
  NetworkBuilder network({2});
  network.integers("sizes", {1, 2});
  onnx::AttributeProto& value = *network.node("ConstantOfShape", {"sizes"}, "c").add_attribute();
  value.set_name("value");
  value.set_type(onnx::AttributeProto::TENSOR);
  value.mutable_t()->set_data_type(onnx::TensorProto::FLOAT);
  value.mutable_t()->add_dims(1);
  value.mutable_t()->add_float_data(4);
  network.node("Sqrt", {"c"}, "root");
  network.node("Mul", {"x", "root"}, "y");
  CHECK(answers(network, {1, 2}) == Numbers{2, 4});
}
