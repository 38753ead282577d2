#include <algorithm>
#include <catch2/catch.hpp>

#include "collapse_check.h"

using namespace opaline;
using opaline::test::check;
using opaline::test::NetworkBuilder;
using opaline::test::refusal;

namespace {

/// y = x + (1, 2), an inner tensor "logits", and the graph's outputs by name.
NetworkBuilder logits(const std::vector<std::string>& outputs) {
  NetworkBuilder network({2});
  network.numbers("c", {2}, {1, 2});
  network.node("Add", {"x", "c"}, "logits");
  network.graph().clear_output();
  for (const std::string& name : outputs) network.graph().add_output()->set_name(name);
  return network;
}

void arg_max(NetworkBuilder& network, const std::string& input, const std::string& output) {
  NetworkBuilder::attribute(network.node("ArgMax", {input}, output), "axis", std::int64_t{1});
}

}  // namespace

TEST_CASE("several outputs of one affine tensor are one network") {
  OutputActivation expected = OutputActivation::none;
  NetworkBuilder network = logits({"logits", "y"});
  SECTION("logits and probabilities") {
    network.node("Softmax", {"logits"}, "y");
    expected = OutputActivation::softmax;
  }
  SECTION("logits and class") { arg_max(network, "logits", "y"); }
  SECTION("probabilities and their class") {
    network.graph().mutable_output(0)->set_name("p");
    network.node("Sigmoid", {"logits"}, "p");
    arg_max(network, "p", "y");
    expected = OutputActivation::sigmoid;
  }
  SECTION("class before probabilities") {
    network.graph().mutable_output(0)->set_name("class");
    arg_max(network, "logits", "class");
    network.node("LogSoftmax", {"logits"}, "y");
    expected = OutputActivation::log_softmax;
  }
  SECTION("the same in another shape") {
    network.integers("shape", {-1});
    network.node("Reshape", {"logits", "shape"}, "y");
  }
  check(network, {1, 0, 0, 1}, {1, 2});
  CHECK(import_onnx(network.bytes(), "test").activation == expected);
}

TEST_CASE("outputs of different tensors are refused by name") {
  SECTION("two affine tensors") {
    NetworkBuilder network = logits({"logits", "other"});
    network.node("Neg", {"logits"}, "other");
    CHECK_THAT(refusal(network), Catch::Contains("\"logits\" and \"other\""));
  }
  SECTION("probabilities of something else") {
    NetworkBuilder network = logits({"logits", "p"});
    network.node("Neg", {"logits"}, "other");
    network.node("Softmax", {"other"}, "p");
    CHECK_THAT(refusal(network), Catch::Contains("\"logits\" and \"p\""));
  }
  SECTION("a constant") {
    NetworkBuilder network = logits({"logits", "c"});
    CHECK_THAT(refusal(network), Catch::Contains("\"c\"") && Catch::Contains("does not depend"));
  }
  SECTION("probabilities of two sorts") {
    NetworkBuilder network = logits({"p", "q"});
    network.node("Softmax", {"logits"}, "p");
    network.node("Sigmoid", {"logits"}, "q");
    CHECK_THAT(refusal(network), Catch::Contains("different sorts"));
  }
}

TEST_CASE("what only renames or reshapes may follow the last node") {
  NetworkBuilder network = logits({"y"});
  network.integers("flat", {-1});
  network.integers("axes", {0});
  network.node("Softmax", {"logits"}, "p");
  SECTION("Identity") { network.node("Identity", {"p"}, "y"); }
  SECTION("Flatten") { network.node("Flatten", {"p"}, "y"); }
  SECTION("Reshape") { network.node("Reshape", {"p", "flat"}, "y"); }
  SECTION("Squeeze and Unsqueeze") {
    network.node("Unsqueeze", {"p", "axes"}, "u");
    network.node("Squeeze", {"u", "axes"}, "y");
  }
  SECTION("Cast") {
    NetworkBuilder::attribute(network.node("Cast", {"p"}, "y"), "to",
                              std::int64_t{onnx::TensorProto::DOUBLE});
  }
  SECTION("nodes that lead nowhere") {
    network.node("Identity", {"p"}, "y");
    network.node("Relu", {"y"}, "unused");
    network.node("Wavelet", {"x"}, "unknown");
  }
  check(network, {1, 0, 0, 1}, {1, 2});
  const ImportedNetwork imported = import_onnx(network.bytes(), "test");
  CHECK(imported.activation == OutputActivation::softmax);
  CHECK(imported.operators.front() == "Add");
  CHECK(std::count(imported.operators.begin(), imported.operators.end(), "Relu") == 0);
}

TEST_CASE("a standardisation first suggests the inputs' ranges") {
  NetworkBuilder network({2});
  network.numbers("mean", {2}, {10, 20});
  network.numbers("deviation", {2}, {1, 2});
  network.numbers("w", {2, 1}, {1, 1});
  network.node("Sub", {"x", "mean"}, "a");
  bool suggests = true;
  SECTION("by division") { network.node("Div", {"a", "deviation"}, "b"); }
  SECTION("by a product, after another name") {
    network.numbers("inverse", {2}, {1, 0.5F});
    network.node("Identity", {"a"}, "a2");
    network.node("Mul", {"a2", "inverse"}, "b");
  }
  SECTION("but not if the input is used elsewhere") {
    network.node("Div", {"a", "deviation"}, "d");
    network.node("Add", {"d", "x"}, "b");
    suggests = false;
  }
  SECTION("nor if it is only shifted") {
    network.node("Identity", {"a"}, "b");
    suggests = false;
  }
  network.node("MatMul", {"b", "w"}, "y");
  const auto ranges = import_onnx(network.bytes(), "test").suggested_ranges;
  REQUIRE(ranges.size() == (suggests ? 2 : 0));
  if (suggests) {
    CHECK(ranges[0].lowest == Approx(4));
    CHECK(ranges[0].highest == Approx(16));
    CHECK(ranges[1].lowest == Approx(8));
    CHECK(ranges[1].highest == Approx(32));
  }
}

TEST_CASE("notes in the metadata come along, and others' are left alone") {
  NetworkBuilder network({2});
  network.node("Identity", {"x"}, "y");
  NetworkNotes notes;
  notes.columns = {"length", "width"};
  notes.ranges = {{1, 2}, {3, 4}};
  for (const auto& [key, value] : notes_to_metadata(notes)) {
    auto& entry = *network.model.add_metadata_props();
    entry.set_key(key);
    entry.set_value(value);
  }
  network.model.add_metadata_props()->set_key("author");
  const NetworkNotes read = import_onnx(network.bytes(), "test").notes;
  CHECK(read.columns == notes.columns);
  REQUIRE(read.ranges.size() == 2);
  CHECK(read.ranges[1].highest == 4);
}
