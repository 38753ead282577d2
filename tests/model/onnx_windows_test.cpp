#include <catch2/catch.hpp>

#include "collapse_check.h"

using namespace opaline;
using opaline::test::answers;
using opaline::test::check;
using opaline::test::NetworkBuilder;
using opaline::test::refusal;

namespace {

using Integers = std::vector<std::int64_t>;
using Numbers = std::vector<double>;

const Numbers kFive = {1, 2, 3, 4, 5};

/// One channel of five numbers, a kernel 1, 10, 100.
NetworkBuilder five_and_kernel() {
  NetworkBuilder network({1, 5});
  network.numbers("w", {1, 1, 3}, {1, 10, 100});
  return network;
}

}  // namespace

TEST_CASE("Conv slides a kernel along one dimension") {
  NetworkBuilder network = five_and_kernel();
  onnx::NodeProto& node = network.node("Conv", {"x", "w"}, "y");
  SECTION("as it is") { CHECK(answers(network, kFive) == Numbers{321, 432, 543}); }
  SECTION("padded") {
    NetworkBuilder::attribute(node, "pads", Integers{1, 2});
    CHECK(answers(network, kFive) == Numbers{210, 321, 432, 543, 54, 5});
  }
  SECTION("in steps of two") {
    NetworkBuilder::attribute(node, "strides", Integers{2});
    CHECK(answers(network, kFive) == Numbers{321, 543});
  }
  SECTION("spread out") {
    NetworkBuilder::attribute(node, "dilations", Integers{2});
    CHECK(answers(network, kFive) == Numbers{531});
  }
  SECTION("to the same size, the odd padding behind") {
    NetworkBuilder::attribute(node, "auto_pad", std::string("SAME_UPPER"));
    NetworkBuilder::attribute(node, "strides", Integers{2});
    CHECK(answers(network, kFive) == Numbers{210, 432, 54});
  }
  SECTION("without padding") {
    NetworkBuilder::attribute(node, "auto_pad", std::string("VALID"));
    CHECK(answers(network, kFive) == Numbers{321, 432, 543});
  }
  SECTION("with a bias") {
    network.numbers("b", {1}, {1000});
    node.add_input("b");
    CHECK(answers(network, kFive) == Numbers{1321, 1432, 1543});
  }
}

TEST_CASE("an odd padding goes behind or before") {
  NetworkBuilder network({1, 4});
  network.numbers("w", {1, 1, 2}, {1, 10});
  onnx::NodeProto& node = network.node("Conv", {"x", "w"}, "y");
  SECTION("behind") {
    NetworkBuilder::attribute(node, "auto_pad", std::string("SAME_UPPER"));
    CHECK(answers(network, {1, 2, 3, 4}) == Numbers{21, 32, 43, 4});
  }
  SECTION("before") {
    NetworkBuilder::attribute(node, "auto_pad", std::string("SAME_LOWER"));
    CHECK(answers(network, {1, 2, 3, 4}) == Numbers{10, 21, 32, 43});
  }
}

TEST_CASE("Conv in two dimensions, of several channels, in groups") {
  SECTION("two dimensions") {
    NetworkBuilder network({1, 2, 3});
    network.numbers("w", {1, 1, 2, 2}, {1, 10, 100, 1000});
    network.node("Conv", {"x", "w"}, "y");
    CHECK(answers(network, {1, 2, 3, 4, 5, 6}) == Numbers{5421, 6532});
  }
  SECTION("different steps and paddings in the two") {
    NetworkBuilder network({1, 2, 3});
    network.numbers("w", {1, 1, 1, 2}, {1, 10});
    onnx::NodeProto& node = network.node("Conv", {"x", "w"}, "y");
    NetworkBuilder::attribute(node, "strides", Integers{1, 2});
    NetworkBuilder::attribute(node, "pads", Integers{0, 1, 1, 0});
    CHECK(answers(network, {1, 2, 3, 4, 5, 6}) == Numbers{10, 32, 40, 65, 0, 0});
  }
  SECTION("two channels to two") {
    NetworkBuilder network({2, 1});
    network.numbers("w", {2, 2, 1}, {1, 2, 3, 4});
    network.node("Conv", {"x", "w"}, "y");
    check(network, {1, 2, 3, 4}, {0, 0});
  }
  SECTION("two groups of one channel each, the second to two") {
    NetworkBuilder network({2, 1});
    network.numbers("w", {4, 1, 1}, {1, 2, 3, 4});
    NetworkBuilder::attribute(network.node("Conv", {"x", "w"}, "y"), "group", std::int64_t{2});
    check(network, {1, 0, 2, 0, 0, 3, 0, 4}, {0, 0, 0, 0});
  }
  SECTION("three dimensions") {
    NetworkBuilder network({1, 1, 2, 2});
    network.numbers("w", {1, 1, 1, 2, 2}, {1, 10, 100, 1000});
    network.node("Conv", {"x", "w"}, "y");
    CHECK(answers(network, {1, 2, 3, 4}) == Numbers{4321});
  }
}

TEST_CASE("Conv is linear in its kernel as well") {
  NetworkBuilder network({1, 3});
  network.numbers("image", {1, 1, 5}, {1, 2, 3, 4, 5});
  network.node("Conv", {"image", "x"}, "y");
  CHECK(answers(network, {1, 10, 100}) == Numbers{321, 432, 543});
}

TEST_CASE("ConvTranspose spreads every number over a kernel") {
  NetworkBuilder network({1, 3});
  network.numbers("w", {1, 1, 2}, {1, 10});
  onnx::NodeProto& node = network.node("ConvTranspose", {"x", "w"}, "y");
  const Numbers x = {1, 2, 3};
  SECTION("side by side") { CHECK(answers(network, x) == Numbers{1, 12, 23, 30}); }
  SECTION("in steps of two") {
    NetworkBuilder::attribute(node, "strides", Integers{2});
    CHECK(answers(network, x) == Numbers{1, 10, 2, 20, 3, 30});
  }
  SECTION("and one more") {
    NetworkBuilder::attribute(node, "strides", Integers{2});
    NetworkBuilder::attribute(node, "output_padding", Integers{1});
    CHECK(answers(network, x) == Numbers{1, 10, 2, 20, 3, 30, 0});
  }
  SECTION("cropped") {
    NetworkBuilder::attribute(node, "pads", Integers{1, 0});
    CHECK(answers(network, x) == Numbers{12, 23, 30});
  }
  SECTION("spread out") {
    NetworkBuilder::attribute(node, "dilations", Integers{2});
    CHECK(answers(network, x) == Numbers{1, 2, 13, 20, 30});
  }
  SECTION("of a given size") {
    NetworkBuilder::attribute(node, "strides", Integers{2});
    NetworkBuilder::attribute(node, "output_shape", Integers{5});
    NetworkBuilder::attribute(node, "auto_pad", std::string("SAME_UPPER"));
    CHECK(answers(network, x) == Numbers{1, 10, 2, 20, 3});
  }
  SECTION("with a bias") {
    network.numbers("b", {1}, {100});
    node.add_input("b");
    CHECK(answers(network, x) == Numbers{101, 112, 123, 130});
  }
}

TEST_CASE("ConvTranspose of groups") {
  NetworkBuilder network({2, 1});
  network.numbers("w", {2, 2, 1}, {1, 2, 3, 4});
  onnx::NodeProto& node = network.node("ConvTranspose", {"x", "w"}, "y");
  SECTION("one: both channels go to both") { check(network, {1, 3, 2, 4}, {0, 0}); }
  SECTION("two: each goes to two of its own") {
    NetworkBuilder::attribute(node, "group", std::int64_t{2});
    check(network, {1, 0, 2, 0, 0, 3, 0, 4}, {0, 0, 0, 0});
  }
}

TEST_CASE("AveragePool averages windows") {
  NetworkBuilder network({1, 5});
  onnx::NodeProto& node = network.node("AveragePool", {"x"}, "y");
  NetworkBuilder::attribute(node, "kernel_shape", Integers{2});
  const Numbers x = {2, 4, 6, 8, 10};
  SECTION("side by side") { CHECK(answers(network, x) == Numbers{3, 5, 7, 9}); }
  SECTION("in steps of two") {
    NetworkBuilder::attribute(node, "strides", Integers{2});
    CHECK(answers(network, x) == Numbers{3, 7});
  }
  SECTION("in steps of two, the rest as well") {
    NetworkBuilder::attribute(node, "strides", Integers{2});
    NetworkBuilder::attribute(node, "ceil_mode", std::int64_t{1});
    CHECK(answers(network, x) == Numbers{3, 7, 10});
  }
  SECTION("padding that does not count") {
    NetworkBuilder::attribute(node, "pads", Integers{1, 1});
    CHECK(answers(network, x) == Numbers{2, 3, 5, 7, 9, 10});
  }
  SECTION("padding that counts") {
    NetworkBuilder::attribute(node, "pads", Integers{1, 1});
    NetworkBuilder::attribute(node, "count_include_pad", std::int64_t{1});
    CHECK(answers(network, x) == Numbers{1, 3, 5, 7, 9, 5});
  }
  SECTION("spread out") {
    network.opset(19);
    NetworkBuilder::attribute(node, "dilations", Integers{3});
    CHECK(answers(network, x) == Numbers{5, 7});
  }
  SECTION("to the same size") {
    NetworkBuilder::attribute(node, "auto_pad", std::string("SAME_LOWER"));
    CHECK(answers(network, x) == Numbers{2, 3, 5, 7, 9});
  }
}

TEST_CASE("GlobalAveragePool averages every channel") {
  NetworkBuilder network({2, 1, 2});
  network.node("GlobalAveragePool", {"x"}, "y");
  check(network, {0.5, 0.5, 0, 0, 0, 0, 0.5, 0.5}, {0, 0});
}

TEST_CASE("a convolutional network with everything collapses") {
  NetworkBuilder network({1, 28, 28});
  std::vector<float> kernel;
  for (int i = 0; i < 32 * 9; ++i) kernel.push_back(static_cast<float>(i % 7) - 3.0F);
  network.numbers("w1", {32, 1, 3, 3}, kernel);
  std::vector<float> second;
  for (int i = 0; i < 16 * 32 * 25; ++i) second.push_back(static_cast<float>(i % 11) / 11.0F - 0.5F);
  network.numbers("w2", {16, 32, 5, 5}, second);
  std::vector<float> dense;
  for (int i = 0; i < 16 * 5 * 5 * 10; ++i) dense.push_back(static_cast<float>(i % 13) / 13.0F - 0.5F);
  network.numbers("w3", {400, 10}, dense);
  NetworkBuilder::attribute(network.node("Conv", {"x", "w1"}, "c1"), "pads", Integers{1, 1, 1, 1});
  onnx::NodeProto& pool = network.node("AveragePool", {"c1"}, "p1");
  NetworkBuilder::attribute(pool, "kernel_shape", Integers{2, 2});
  NetworkBuilder::attribute(pool, "strides", Integers{2, 2});
  network.node("Conv", {"p1", "w2"}, "c2");
  onnx::NodeProto& second_pool = network.node("AveragePool", {"c2"}, "p2");
  NetworkBuilder::attribute(second_pool, "kernel_shape", Integers{2, 2});
  NetworkBuilder::attribute(second_pool, "strides", Integers{2, 2});
  network.node("Flatten", {"p2"}, "f");
  network.node("Gemm", {"f", "w3"}, "y");
  const ImportedNetwork imported = import_onnx(network.bytes(), "test");
  CHECK(imported.map.outputs == 10);
  REQUIRE(imported.largest_difference);
  CHECK(*imported.largest_difference < 1e-12);
}

TEST_CASE("windows that make no sense are refused") {
  NetworkBuilder network = five_and_kernel();
  onnx::NodeProto& node = network.node("Conv", {"x", "w"}, "y");
  SECTION("a kernel larger than the image") {
    NetworkBuilder::attribute(node, "dilations", Integers{3});
    CHECK_THAT(refusal(network), Catch::Contains("larger than the padded image"));
  }
  SECTION("no step") {
    NetworkBuilder::attribute(node, "strides", Integers{0});
    CHECK_THAT(refusal(network), Catch::Contains("strides"));
  }
  SECTION("two steps for one dimension") {
    NetworkBuilder::attribute(node, "strides", Integers{1, 1});
    CHECK_THAT(refusal(network), Catch::Contains("strides"));
  }
  SECTION("channels that do not fit") {
    NetworkBuilder::attribute(node, "group", std::int64_t{2});
    CHECK_THAT(refusal(network), Catch::Contains("group 2"));
  }
  SECTION("a padding nobody knows") {
    NetworkBuilder::attribute(node, "auto_pad", std::string("MIRROR"));
    CHECK_THAT(refusal(network), Catch::Contains("MIRROR"));
  }
  SECTION("another kernel_shape") {
    NetworkBuilder::attribute(node, "kernel_shape", Integers{2});
    CHECK_THAT(refusal(network), Catch::Contains("kernel_shape"));
  }
}
