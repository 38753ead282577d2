#include <catch2/catch.hpp>

#include "collapse_check.h"

using namespace opaline;
using opaline::test::answers;
using opaline::test::check;
using opaline::test::NetworkBuilder;
using opaline::test::refusal;

TEST_CASE("tensors of different shapes are spread over each other") {
  NetworkBuilder network({2, 3});
  SECTION("a variable over a variable") {
    // Sums of the rows, 1 x 2 x 1, and the tensor itself.
    network.integers("axes", {2});
    network.node("ReduceSum", {"x", "axes"}, "s");
    network.node("Add", {"s", "x"}, "y");
    CHECK(answers(network, {1, 2, 3, 10, 20, 30}) == std::vector<double>{7, 8, 9, 70, 80, 90});
  }
  SECTION("two variables that both grow") {
    network.integers("last", {2});
    network.integers("first", {1});
    network.node("ReduceSum", {"x", "last"}, "rows");      // 1 x 2 x 1
    network.node("ReduceSum", {"x", "first"}, "columns");  // 1 x 1 x 3
    network.node("Sub", {"rows", "columns"}, "y");
    CHECK(answers(network, {1, 2, 3, 10, 20, 30}) == std::vector<double>{-5, -16, -27, 49, 38, 27});
  }
  SECTION("a variable over a larger constant") {
    network.numbers("c", {2, 1, 1, 1}, {10, 100});
    network.node("Mul", {"c", "x"}, "y");
    CHECK(answers(network, {1, 2, 3, 4, 5, 6}) ==
          std::vector<double>{10, 20, 30, 40, 50, 60, 100, 200, 300, 400, 500, 600});
  }
}

TEST_CASE("sums and means of several tensors, some of them constant") {
  NetworkBuilder network({2});
  network.numbers("c", {2}, {3, 6});
  SECTION("Sum") {
    network.node("Sum", {"x", "c", "x"}, "y");
    check(network, {2, 0, 0, 2}, {3, 6});
  }
  SECTION("Mean") {
    network.numbers("d", {1}, {1});
    network.node("Mean", {"x", "c", "d", "x"}, "y");
    check(network, {0.5, 0, 0, 0.5}, {1, 1.75});
  }
  SECTION("Sum of one") {
    network.node("Sum", {"x"}, "y");
    check(network, {1, 0, 0, 1}, {0, 0});
  }
  SECTION("Neg") {
    network.node("Neg", {"x"}, "y");
    check(network, {-1, 0, 0, -1}, {0, 0});
  }
}

TEST_CASE("Where chooses by a constant") {
  NetworkBuilder network({2});
  onnx::TensorProto& condition = network.integers("condition", {});
  condition.set_data_type(onnx::TensorProto::BOOL);
  condition.set_dims(0, 2);
  condition.add_int32_data(1);
  condition.add_int32_data(0);
  network.numbers("c", {2}, {5, 7});
  SECTION("of variable and constant") {
    network.node("Where", {"condition", "x", "c"}, "y");
    check(network, {1, 0, 0, 0}, {0, 7});
  }
  SECTION("of constant and variable") {
    network.node("Where", {"condition", "c", "x"}, "y");
    check(network, {0, 0, 0, 1}, {5, 0});
  }
}

TEST_CASE("sums and means over axes, as attribute and as input") {
  NetworkBuilder network({2, 2});
  const std::vector<double> x = {1, 2, 10, 20};
  SECTION("ReduceSum before 13") {
    network.opset(11);
    onnx::NodeProto& node = network.node("ReduceSum", {"x"}, "y");
    NetworkBuilder::attribute(node, "axes", std::vector<std::int64_t>{-1});
    NetworkBuilder::attribute(node, "keepdims", std::int64_t{0});
    CHECK(answers(network, x) == std::vector<double>{3, 30});
  }
  SECTION("ReduceSum from 13 on") {
    network.integers("axes", {1});
    network.node("ReduceSum", {"x", "axes"}, "y");
    CHECK(answers(network, x) == std::vector<double>{11, 22});
  }
  SECTION("ReduceMean before 18") {
    network.opset(17);
    NetworkBuilder::attribute(network.node("ReduceMean", {"x"}, "y"), "axes",
                              std::vector<std::int64_t>{1, 2});
    CHECK(answers(network, x) == std::vector<double>{8.25});
  }
  SECTION("ReduceMean from 18 on") {
    network.opset(18);
    network.integers("axes", {2});
    network.node("ReduceMean", {"x", "axes"}, "y");
    CHECK(answers(network, x) == std::vector<double>{1.5, 15});
  }
  SECTION("no axes and nothing to do") {
    NetworkBuilder::attribute(network.node("ReduceSum", {"x"}, "y"), "noop_with_empty_axes", std::int64_t{1});
    CHECK(answers(network, x) == x);
  }
  SECTION("an attribute where an input belongs") {
    NetworkBuilder::attribute(network.node("ReduceSum", {"x"}, "y"), "axes", std::vector<std::int64_t>{1});
    CHECK_THAT(refusal(network), Catch::Contains("\"axes\" is an input"));
  }
}

TEST_CASE("BatchNormalization is (x - mean) / sqrt(variance + epsilon), scaled and shifted") {
  NetworkBuilder network({2, 1});
  network.numbers("scale", {2}, {2, 6});
  network.numbers("shift", {2}, {1, -1});
  network.numbers("mean", {2}, {3, 5});
  network.numbers("variance", {2}, {3.75F, 8.75F});
  onnx::NodeProto& node =
      network.node("BatchNormalization", {"x", "scale", "shift", "mean", "variance"}, "y");
  NetworkBuilder::attribute(node, "epsilon", 0.25F);
  SECTION("inference") { check(network, {1, 0, 0, 2}, {-2, -11}); }
  SECTION("operator set 7, with its switch") {
    network.opset(7);
    NetworkBuilder::attribute(node, "spatial", std::int64_t{1});
    check(network, {1, 0, 0, 2}, {-2, -11});
  }
  SECTION("training") {
    network.opset(14);
    NetworkBuilder::attribute(node, "training_mode", std::int64_t{1});
    CHECK_THAT(refusal(network), Catch::Contains("inference"));
  }
  SECTION("training, before it had a switch") {
    node.add_output("running_mean");
    CHECK_THAT(refusal(network), Catch::Contains("inference"));
  }
  SECTION("a variance below zero") {
    network.graph().mutable_initializer(3)->set_float_data(0, -1.0F);
    CHECK_THAT(refusal(network), Catch::Contains("variance"));
  }
  SECTION("another number of channels") {
    network.graph().mutable_initializer(0)->set_dims(0, 1);
    network.graph().mutable_initializer(0)->mutable_float_data()->RemoveLast();
    CHECK_THAT(refusal(network), Catch::Contains("channels"));
  }
}
