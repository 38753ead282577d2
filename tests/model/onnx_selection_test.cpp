#include <catch2/catch.hpp>
#include <limits>

#include "collapse_check.h"

using namespace opaline;
using opaline::test::answers;
using opaline::test::check;
using opaline::test::NetworkBuilder;
using opaline::test::refusal;

namespace {

using Integers = std::vector<std::int64_t>;
using Numbers = std::vector<double>;

const Numbers kCounting = {1, 2, 3, 4, 5, 6};

}  // namespace

TEST_CASE("Concat puts variables and constants together") {
  NetworkBuilder network({2});
  network.numbers("c", {1, 1}, {7});
  onnx::NodeProto& node = network.node("Concat", {"x", "c", "x"}, "y");
  SECTION("along the last dimension") {
    NetworkBuilder::attribute(node, "axis", std::int64_t{-1});
    network.input_shape().mutable_dim(0)->set_dim_value(1);
    check(network, {1, 0, 0, 1, 0, 0, 1, 0, 0, 1}, {0, 0, 7, 0, 0});
  }
  SECTION("without axis") { CHECK_THAT(refusal(network), Catch::Contains("axis")); }
  SECTION("along a dimension where they do not fit") {
    NetworkBuilder::attribute(node, "axis", std::int64_t{0});
    CHECK_THAT(refusal(network), Catch::Contains("differ"));
  }
}

TEST_CASE("Split makes several tensors") {
  NetworkBuilder network({5});
  const auto joined = [&](const std::string& first, const std::string& second) {
    NetworkBuilder::attribute(network.node("Concat", {second, first}, "y"), "axis", std::int64_t{1});
    return answers(network, {1, 2, 3, 4, 5});
  };
  onnx::NodeProto& node = network.node("Split", {"x"}, "a");
  node.add_output("b");
  NetworkBuilder::attribute(node, "axis", std::int64_t{1});
  SECTION("sizes as an attribute") {
    network.opset(12);
    NetworkBuilder::attribute(node, "split", Integers{2, 3});
    CHECK(joined("a", "b") == Numbers{3, 4, 5, 1, 2});
  }
  SECTION("sizes as an input") {
    network.integers("sizes", {4, 1});
    node.add_input("sizes");
    CHECK(joined("a", "b") == Numbers{5, 1, 2, 3, 4});
  }
  SECTION("a number of outputs, the last of which is smaller") {
    network.opset(18);
    NetworkBuilder::attribute(node, "num_outputs", std::int64_t{2});
    CHECK(joined("a", "b") == Numbers{4, 5, 1, 2, 3});
  }
  SECTION("one output that nobody uses") {
    network.integers("sizes", {4, 1});
    node.add_input("sizes");
    node.set_output(0, "");
    CHECK(joined("b", "b") == Numbers{5, 5});
  }
  SECTION("uneven before 18") {
    network.node("Identity", {"a"}, "y");
    CHECK_THAT(refusal(network), Catch::Contains("evenly"));
  }
  SECTION("sizes that do not add up") {
    network.integers("sizes", {4, 2});
    node.add_input("sizes");
    network.node("Identity", {"a"}, "y");
    CHECK_THAT(refusal(network), Catch::Contains("add up"));
  }
}

TEST_CASE("Slice, forwards and backwards") {
  NetworkBuilder network({6});
  const auto sliced = [&](const Integers& start, const Integers& end, const Integers& step) {
    network.integers("start", start);
    network.integers("end", end);
    network.integers("axes", {1});
    network.integers("step", step);
    network.node("Slice", {"x", "start", "end", "axes", "step"}, "y");
    return answers(network, kCounting);
  };
  constexpr std::int64_t kFar = std::numeric_limits<std::int64_t>::max();
  SECTION("a part") { CHECK(sliced({1}, {4}, {1}) == Numbers{2, 3, 4}); }
  SECTION("every other") { CHECK(sliced({0}, {kFar}, {2}) == Numbers{1, 3, 5}); }
  SECTION("counted from the end") { CHECK(sliced({-2}, {kFar}, {1}) == Numbers{5, 6}); }
  SECTION("all, backwards") { CHECK(sliced({-1}, {-kFar}, {-1}) == Numbers{6, 5, 4, 3, 2, 1}); }
  SECTION("some, backwards") { CHECK(sliced({kFar}, {1}, {-2}) == Numbers{6, 4}); }
  SECTION("a step beyond the end") { CHECK(sliced({1}, {6}, {kFar}) == Numbers{2}); }
}

TEST_CASE("Slice before 10 has attributes") {
  NetworkBuilder network({6});
  network.opset(9);
  onnx::NodeProto& node = network.node("Slice", {"x"}, "y");
  NetworkBuilder::attribute(node, "starts", Integers{0, 2});
  NetworkBuilder::attribute(node, "ends", Integers{1, -1});
  CHECK(answers(network, kCounting) == Numbers{3, 4, 5});
}

TEST_CASE("Gather, GatherElements and GatherND with constant indices") {
  NetworkBuilder network({2, 3});
  SECTION("columns, one twice, one from the end") {
    network.integers("at", {2, 0, -1});
    NetworkBuilder::attribute(network.node("Gather", {"x", "at"}, "y"), "axis", std::int64_t{2});
    CHECK(answers(network, kCounting) == Numbers{3, 1, 3, 6, 4, 6});
  }
  SECTION("one row, whose dimension goes") {
    onnx::TensorProto& at = network.integers("at", {1});
    at.clear_dims();
    NetworkBuilder::attribute(network.node("Gather", {"x", "at"}, "y"), "axis", std::int64_t{1});
    CHECK(answers(network, kCounting) == Numbers{4, 5, 6});
  }
  SECTION("elements") {
    onnx::TensorProto& at = network.integers("at", {2, 1, 0, -3});
    at.set_dims(0, 1);
    at.add_dims(2);
    at.add_dims(2);
    NetworkBuilder::attribute(network.node("GatherElements", {"x", "at"}, "y"), "axis", std::int64_t{-1});
    CHECK(answers(network, kCounting) == Numbers{3, 2, 4, 4});
  }
  SECTION("tuples of indices") {
    onnx::TensorProto& at = network.integers("at", {0, 1, 2, 0, 0, 0});
    at.set_dims(0, 2);
    at.add_dims(3);
    network.node("GatherND", {"x", "at"}, "y");
    CHECK(answers(network, kCounting) == Numbers{6, 1});
  }
  SECTION("beyond the end") {
    network.integers("at", {3});
    NetworkBuilder::attribute(network.node("Gather", {"x", "at"}, "y"), "axis", std::int64_t{2});
    CHECK_THAT(refusal(network), Catch::Contains("index 3"));
  }
}

TEST_CASE("Pad adds a constant, or takes away") {
  NetworkBuilder network({2});
  SECTION("attributes before 11") {
    network.opset(10);
    onnx::NodeProto& node = network.node("Pad", {"x"}, "y");
    NetworkBuilder::attribute(node, "pads", Integers{0, 1, 0, 2});
    NetworkBuilder::attribute(node, "value", 5.0F);
    check(network, {0, 0, 1, 0, 0, 1, 0, 0, 0, 0}, {5, 0, 0, 5, 5});
  }
  SECTION("inputs") {
    network.integers("pads", {0, 1, 0, -1});
    network.numbers("value", {}, {3});
    network.node("Pad", {"x", "pads", "value"}, "y");
    check(network, {0, 0, 1, 0}, {3, 0});
  }
  SECTION("chosen axes") {
    network.opset(18);
    network.integers("pads", {-1, 1});
    network.integers("axes", {-1});
    network.node("Pad", {"x", "pads", "", "axes"}, "y");
    check(network, {0, 1, 0, 0}, {0, 0});
  }
  SECTION("other modes") {
    network.integers("pads", {0, 1, 0, 1});
    NetworkBuilder::attribute(network.node("Pad", {"x", "pads"}, "y"), "mode", std::string("reflect"));
    CHECK_THAT(refusal(network), Catch::Contains("zero padding"));
  }
}
