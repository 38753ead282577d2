#include <catch2/catch.hpp>
#include <functional>
#include <limits>

#include "collapse_check.h"

using namespace opaline;
using opaline::test::NetworkBuilder;

namespace {

using Integers = std::vector<std::int64_t>;

constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kHighest = std::numeric_limits<std::int64_t>::max();
const Integers kAbsurd = {kLowest,
                          kLowest + 1,
                          -(std::int64_t{1} << 32),
                          -7,
                          -1,
                          0,
                          7,
                          1 << 20,
                          std::int64_t{1} << 26,
                          std::int64_t{1} << 31,
                          std::int64_t{1} << 32,
                          std::int64_t{1} << 62,
                          kHighest - 1,
                          kHighest};

/// Imports or is refused; a crash, a hang or too much memory ends the test.
bool is_refused(const NetworkBuilder& network) {
  try {
    import_onnx(network.bytes(), "hostile");
    return false;
  } catch (const Error& error) {
    CHECK(std::string(error.what()).size() < 2000);
    CHECK(error.kind() != ErrorKind::fault);
    return true;
  }
}

}  // namespace

TEST_CASE("absurd lists in windows are refused or collapse, never worse") {
  for (const std::string type : {"Conv", "ConvTranspose", "AveragePool"}) {
    for (const std::string name :
         {"strides", "dilations", "pads", "kernel_shape", "output_padding", "output_shape"}) {
      for (const std::int64_t value : kAbsurd) {
        CAPTURE(type, name, value);
        NetworkBuilder network({1, 4, 4});
        network.numbers("w", {1, 1, 2, 2}, {1, 2, 3, 4});
        onnx::NodeProto& node =
            type == "AveragePool" ? network.node(type, {"x"}, "y") : network.node(type, {"x", "w"}, "y");
        if (type == "AveragePool" && name != "kernel_shape")
          NetworkBuilder::attribute(node, "kernel_shape", Integers{2, 2});
        NetworkBuilder::attribute(node, name, name == "pads" ? Integers{0, value, 0, 1} : Integers{1, value});
        const bool refused = is_refused(network);
        if (value < 0 || value >= std::int64_t{1} << 32) CHECK(refused);
      }
    }
  }
}

TEST_CASE("absurd groups are refused") {
  for (const std::string type : {"Conv", "ConvTranspose"}) {
    for (const std::int64_t value : kAbsurd) {
      CAPTURE(type, value);
      NetworkBuilder network({2, 3});
      network.numbers("w", {2, 2, 1}, {1, 2, 3, 4});
      NetworkBuilder::attribute(network.node(type, {"x", "w"}, "y"), "group", value);
      CHECK(is_refused(network));
    }
  }
}

TEST_CASE("absurd axes are refused") {
  const std::vector<std::pair<std::string, std::string>> forms = {
      {"Flatten", "axis"}, {"Concat", "axis"}, {"Split", "axis"}, {"Softmax", "axis"}, {"ArgMax", "axis"}};
  for (const auto& [type, name] : forms) {
    for (const std::int64_t value : kAbsurd) {
      if (value == -1 || value == 0) continue;
      CAPTURE(type, value);
      NetworkBuilder network({2});
      NetworkBuilder::attribute(network.node(type, {"x"}, "y"), name, value);
      CHECK(is_refused(network));
    }
  }
  for (const std::int64_t value : kAbsurd) {
    if (value == -1 || value == 0) continue;
    CAPTURE(value);
    for (const std::string type : {"Squeeze", "Unsqueeze", "ReduceSum"}) {
      CAPTURE(type);
      NetworkBuilder network({1});
      network.integers("axes", {value, value});
      network.node(type, {"x", "axes"}, "y");
      CHECK(is_refused(network));
    }
    NetworkBuilder turned({2});
    NetworkBuilder::attribute(turned.node("Transpose", {"x"}, "y"), "perm", Integers{0, value});
    CHECK(is_refused(turned));
  }
}

TEST_CASE("absurd sizes are refused or collapse, never worse") {
  for (const std::string type : {"Reshape", "Expand", "Tile", "Gather", "GatherElements", "GatherND"}) {
    for (const std::int64_t value : kAbsurd) {
      for (const Integers& list :
           std::vector<Integers>{{value}, {1, value}, {value, value}, {value, 1, value}}) {
        CAPTURE(type, list);
        NetworkBuilder network({2});
        network.integers("list", list);
        network.node(type, {"x", "list"}, "y");
        const bool refused = is_refused(network);
        if (value < -1 || value >= std::int64_t{1} << 31) CHECK(refused);
      }
    }
  }
}

TEST_CASE("absurd constants are refused before memory is taken") {
  for (const std::int64_t value : {std::int64_t{1} << 27, std::int64_t{1} << 40, kHighest, kLowest}) {
    CAPTURE(value);
    for (const std::string type : {"ConstantOfShape", "Expand", "Tile"}) {
      CAPTURE(type);
      NetworkBuilder network({2});
      network.numbers("one", {1}, {1});
      network.integers("sizes", {value});
      if (type == "ConstantOfShape") {
        network.node(type, {"sizes"}, "c");
      } else {
        network.node(type, {"one", "sizes"}, "c");
      }
      network.node("Add", {"x", "c"}, "y");
      CHECK(is_refused(network));
    }
  }
}

TEST_CASE("many small nodes that make large constants are refused") {
  NetworkBuilder network({1});
  network.integers("sizes", {1 << 25});
  std::string sum = "x";
  for (int i = 0; i < 6; ++i) {
    const std::string constant = "c" + std::to_string(i);
    network.node("ConstantOfShape", {"sizes"}, constant);
    const std::string part = "p" + std::to_string(i);
    NetworkBuilder::attribute(network.node("ReduceSum", {constant}, part), "keepdims", std::int64_t{0});
    network.node("Add", {sum, part}, i == 5 ? "y" : "s" + std::to_string(i));
    sum = "s" + std::to_string(i);
  }
  CHECK_THAT(test::refusal(network), Catch::Contains("constants grow too large"));
}

TEST_CASE("absurd slices are refused or collapse, never worse") {
  for (const std::int64_t value : kAbsurd) {
    for (const std::int64_t other : kAbsurd) {
      for (const std::int64_t step :
           {kLowest, kLowest + 1, std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}, kHighest}) {
        CAPTURE(value, other, step);
        NetworkBuilder network({9});
        network.integers("start", {value});
        network.integers("end", {other});
        network.integers("axes", {1});
        network.integers("step", {step});
        network.node("Slice", {"x", "start", "end", "axes", "step"}, "y");
        const bool refused = is_refused(network);
        if (step == 0) CHECK(refused);
      }
    }
  }
}

TEST_CASE("absurd paddings and parts are refused or collapse, never worse") {
  for (const std::int64_t value : kAbsurd) {
    for (const std::int64_t other : kAbsurd) {
      CAPTURE(value, other);
      NetworkBuilder padded({4});
      padded.integers("pads", {0, value, 0, other});
      padded.node("Pad", {"x", "pads"}, "y");
      const bool refused = is_refused(padded);
      if (value > 1 << 26 || other > 1 << 26) CHECK(refused);
      NetworkBuilder split({4});
      split.integers("sizes", {value, other});
      split.node("Split", {"x", "sizes"}, "y").add_output("z");
      CHECK(is_refused(split));
    }
  }
}

TEST_CASE("a tensor of very many dimensions is refused") {
  NetworkBuilder network({2});
  network.integers("shape", Integers(10000, 1));
  SECTION("Reshape") { network.node("Reshape", {"x", "shape"}, "y"); }
  SECTION("Expand") { network.node("Expand", {"x", "shape"}, "y"); }
  SECTION("Unsqueeze") { network.node("Unsqueeze", {"x", "shape"}, "y"); }
  CHECK(is_refused(network));
}

TEST_CASE("attributes of other types are refused") {
  for (const std::string name : {"strides", "auto_pad", "group"}) {
    CAPTURE(name);
    for (const int form : {0, 1, 2}) {
      NetworkBuilder network({1, 3});
      network.numbers("w", {1, 1, 1}, {1});
      onnx::NodeProto& node = network.node("Conv", {"x", "w"}, "y");
      if (form == 0) NetworkBuilder::attribute(node, name, 1.5F);
      if (form == 1) NetworkBuilder::attribute(node, name, std::vector<float>{1.5F});
      if (form == 2) NetworkBuilder::attribute(node, name, std::vector<std::string>{"a"});
      CHECK(is_refused(network));
    }
  }
}

TEST_CASE("many small nodes that would remember much are refused") {
  NetworkBuilder network({1 << 20});
  network.integers("indices", Integers(32, 0));
  network.integers("axes", {2});
  std::string x = "x";
  for (int i = 0; i < 4; ++i) {
    const std::string n = std::to_string(i);
    network.node("Unsqueeze", {x, "axes"}, "u" + n);
    NetworkBuilder::attribute(network.node("Gather", {"u" + n, "indices"}, "g" + n), "axis", std::int64_t{2});
    NetworkBuilder::attribute(network.node("ReduceSum", {"g" + n, "axes"}, "r" + n), "keepdims",
                              std::int64_t{0});
    x = "r" + n;
  }
  network.node("ReduceSum", {x}, "y");
  CHECK_THAT(test::refusal(network), Catch::Contains("too much memory"));
}

TEST_CASE("very many outputs or inputs are refused") {
  NetworkBuilder network({1});
  SECTION("outputs") {
    network.node("Identity", {"x"}, "y");
    for (int i = 0; i < 300; ++i) network.graph().add_output()->set_name("y");
  }
  SECTION("inputs") { network.node("Sum", std::vector<std::string>(70000, "x"), "y"); }
  CHECK(is_refused(network));
}
