#include <catch2/catch.hpp>

#include "collapse_check.h"

using namespace opaline;
using opaline::test::check;
using opaline::test::NetworkBuilder;
using opaline::test::refusal;

TEST_CASE("what makes one image's answer depend on another one is refused by node") {
  NetworkBuilder network({2});
  network.numbers("w", {1, 2}, {1, 2});
  network.node("Identity", {"x"}, "before");
  onnx::NodeProto* mixing = nullptr;
  SECTION("a sum over the batch") {
    mixing = &network.node("ReduceSum", {"before"}, "m");
    network.node("Neg", {"m"}, "y");
  }
  SECTION("a mean over the batch, taken off") {
    network.integers("axes", {0});
    mixing = &network.node("ReduceSum", {"before", "axes"}, "m");
    network.node("Sub", {"x", "m"}, "y");
  }
  SECTION("a product over the batch that fits any number of images") {
    network.integers("shape", {1, 1, -1});
    network.node("Reshape", {"before", "shape"}, "r");
    mixing = &network.node("ReduceMean", {"r"}, "m");
    network.node("Add", {"x", "m"}, "y");
  }
  mixing->set_name("mixer");
  CHECK_THAT(refusal(network), Catch::Contains("\"mixer\"") && Catch::Contains("mixes"));
  // For a batch of exactly one image there is nothing to mix.
  network.input_shape().mutable_dim(0)->set_dim_value(1);
  CHECK_NOTHROW(import_onnx(network.bytes(), "test"));
}

TEST_CASE("shapes fixed for one image are accepted, since images are evaluated one by one") {
  NetworkBuilder network({2});
  network.numbers("w", {2, 1}, {3, 4});
  SECTION("a Reshape to one image") {
    network.integers("shape", {1, 2});
    network.node("Reshape", {"x", "shape"}, "r");
    network.node("MatMul", {"r", "w"}, "y");
  }
  SECTION("a Reshape without batch") {
    network.integers("shape", {2});
    network.node("Reshape", {"x", "shape"}, "r");
    network.node("MatMul", {"r", "w"}, "y");
  }
  SECTION("the first image taken out") {
    network.integers("zero", {0});
    network.node("Gather", {"x", "zero"}, "r");
    network.node("MatMul", {"r", "w"}, "y");
  }
  check(network, {3, 4}, {0});
}

TEST_CASE("a Squeeze without axes keeps the batch of more than one image") {
  NetworkBuilder network({1, 2});
  network.numbers("w", {2, 3}, {1, 2, 3, 4, 5, 6});
  network.node("Squeeze", {"x"}, "s");
  network.node("MatMul", {"s", "w"}, "y");
  check(network, {1, 4, 2, 5, 3, 6}, {0, 0, 0});
}

TEST_CASE("what mixes images behind a Squeeze without axes is refused") {
  NetworkBuilder network({1, 2});
  network.node("Squeeze", {"x"}, "s");
  network.integers("axes", {0});
  network.node("ReduceSum", {"x", "axes"}, "m");
  network.node("Sub", {"s", "m"}, "y");
  CHECK_FALSE(refusal(network).empty());
}

TEST_CASE("the batch may be moved about") {
  NetworkBuilder network({2, 3});
  network.numbers("w", {3, 2}, {1, 2, 3, 4, 5, 6});
  NetworkBuilder::attribute(network.node("Transpose", {"x"}, "t"), "perm",
                            std::vector<std::int64_t>{1, 0, 2});
  network.node("MatMul", {"t", "w"}, "y");
  check(network, {1, 3, 5, 0, 0, 0, 2, 4, 6, 0, 0, 0, 0, 0, 0, 1, 3, 5, 0, 0, 0, 2, 4, 6}, {0, 0, 0, 0});
}

TEST_CASE("an input without batch is taken whole") {
  NetworkBuilder network({});
  network.numbers("w", {2, 1}, {3, 4});
  network.input_shape().mutable_dim(0)->set_dim_value(2);
  SECTION("a row of numbers") {
    network.node("MatMul", {"x", "w"}, "y");
    check(network, {3, 4}, {0});
    CHECK(import_onnx(network.bytes(), "test").input_shape == std::vector<std::size_t>{2});
  }
  SECTION("an image without channels") {
    network.input_shape().add_dim()->set_dim_value(3);
    network.integers("shape", {1, 6});
    network.node("Reshape", {"x", "shape"}, "r");
    network.node("Neg", {"r"}, "y");
    CHECK(import_onnx(network.bytes(), "test").input_shape == std::vector<std::size_t>{2, 3});
  }
  SECTION("but what looks like a fixed batch is refused") {
    network.input_shape().add_dim()->set_dim_value(2);
    network.node("MatMul", {"x", "w"}, "y");
    CHECK_THAT(refusal(network), Catch::Contains("fixed batch of 2"));
  }
}

TEST_CASE("a batch of one and an open one collapse alike") {
  for (const std::int64_t size : {1, 0, -1}) {
    CAPTURE(size);
    NetworkBuilder network({2});
    network.numbers("w", {2, 1}, {3, 4});
    network.input_shape().mutable_dim(0)->set_dim_value(size);
    network.node("MatMul", {"x", "w"}, "y");
    check(network, {3, 4}, {0});
    CHECK(import_onnx(network.bytes(), "test").input_shape == std::vector<std::size_t>{2});
  }
}
