#include <catch2/catch.hpp>

#include "collapse_check.h"

using namespace opaline;
using opaline::test::check;
using opaline::test::NetworkBuilder;
using opaline::test::refusal;

namespace {

onnx::NodeProto& learned(NetworkBuilder& network, const std::string& type, const std::string& input,
                         const std::string& output) {
  onnx::NodeProto& node = network.node(type, {input}, output);
  node.set_domain("ai.onnx.ml");
  return node;
}

/// Three classes of two features, as scikit-learn exports them.
NetworkBuilder classifier(const std::string& post_transform) {
  NetworkBuilder network({2});
  network.machine_learning(1);
  onnx::NodeProto& node = learned(network, "LinearClassifier", "x", "y");
  node.add_output("scores");
  NetworkBuilder::attribute(node, "coefficients", std::vector<float>{1, 2, 3, 4, 5, 6});
  NetworkBuilder::attribute(node, "intercepts", std::vector<float>{7, 8, 9});
  NetworkBuilder::attribute(node, "classlabels_strings", std::vector<std::string>{"a", "b", "c"});
  NetworkBuilder::attribute(node, "post_transform", post_transform);
  network.graph().add_output()->set_name("scores");
  return network;
}

}  // namespace

TEST_CASE("Scaler is (x - offset) scale") {
  NetworkBuilder network({2});
  network.machine_learning(1);
  onnx::NodeProto& node = learned(network, "Scaler", "x", "y");
  SECTION("a number each") {
    NetworkBuilder::attribute(node, "offset", std::vector<float>{1, 2});
    NetworkBuilder::attribute(node, "scale", std::vector<float>{4, 0.5F});
    check(network, {4, 0, 0, 0.5}, {-4, -1});
    const auto ranges = import_onnx(network.bytes(), "test").suggested_ranges;
    REQUIRE(ranges.size() == 2);
    CHECK(ranges[0].lowest == Approx(1 - 6 * 0.25));
    CHECK(ranges[0].highest == Approx(1 + 6 * 0.25));
    CHECK(ranges[1].lowest == Approx(2 - 6 * 2));
    CHECK(ranges[1].highest == Approx(2 + 6 * 2));
  }
  SECTION("one for all") {
    NetworkBuilder::attribute(node, "offset", std::vector<float>{1});
    NetworkBuilder::attribute(node, "scale", std::vector<float>{2});
    check(network, {2, 0, 0, 2}, {-2, -2});
  }
  SECTION("of another number") {
    NetworkBuilder::attribute(node, "offset", std::vector<float>{1, 2, 3});
    CHECK_THAT(refusal(network), Catch::Contains("\"offset\""));
  }
}

TEST_CASE("LinearRegressor") {
  NetworkBuilder network({2});
  network.machine_learning(1);
  onnx::NodeProto& node = learned(network, "LinearRegressor", "x", "y");
  NetworkBuilder::attribute(node, "coefficients", std::vector<float>{1, 2, 3, 4});
  NetworkBuilder::attribute(node, "intercepts", std::vector<float>{5, 6});
  SECTION("two targets") {
    NetworkBuilder::attribute(node, "targets", std::int64_t{2});
    check(network, {1, 2, 3, 4}, {5, 6});
    const ImportedNetwork imported = import_onnx(network.bytes(), "test");
    CHECK(imported.regression);
    CHECK(imported.activation == OutputActivation::none);
  }
  SECTION("another number of targets") { CHECK_THAT(refusal(network), Catch::Contains("4 coefficients")); }
  SECTION("a transform") {
    NetworkBuilder::attribute(node, "targets", std::int64_t{2});
    NetworkBuilder::attribute(node, "post_transform", std::string("LOGISTIC"));
    CHECK_THAT(refusal(network), Catch::Contains("NONE"));
  }
}

TEST_CASE("LinearClassifier gives scores, a class and its names") {
  for (const auto& [transform, activation] :
       std::vector<std::pair<std::string, OutputActivation>>{{"NONE", OutputActivation::none},
                                                             {"LOGISTIC", OutputActivation::sigmoid},
                                                             {"SOFTMAX", OutputActivation::softmax}}) {
    CAPTURE(transform);
    const NetworkBuilder network = classifier(transform);
    check(network, {1, 2, 3, 4, 5, 6}, {7, 8, 9});
    const ImportedNetwork imported = import_onnx(network.bytes(), "test");
    CHECK(imported.activation == activation);
    CHECK(imported.labels == std::vector<std::string>{"a", "b", "c"});
    CHECK_FALSE(imported.regression);
  }
  CHECK_THAT(refusal(classifier("PROBIT")), Catch::Contains("PROBIT"));
}

TEST_CASE("a classifier's ZipMap and casts of its label are the client's") {
  NetworkBuilder network = classifier("SOFTMAX");
  network.graph().mutable_node(0)->set_output(0, "label");
  NetworkBuilder::attribute(network.node("Cast", {"label"}, "y"), "to",
                            std::int64_t{onnx::TensorProto::INT64});
  NetworkBuilder::attribute(learned(network, "ZipMap", "scores", "map"), "classlabels_strings",
                            std::vector<std::string>{"a", "b", "c"});
  network.graph().mutable_output(1)->set_name("map");
  const ImportedNetwork imported = import_onnx(network.bytes(), "test");
  CHECK(imported.activation == OutputActivation::softmax);
  CHECK(imported.map.weights == std::vector<double>{1, 2, 3, 4, 5, 6});
  CHECK(imported.labels.size() == 3);
}

TEST_CASE("a label alone is an argmax") {
  NetworkBuilder network = classifier("SOFTMAX");
  network.graph().mutable_output()->RemoveLast();
  CHECK(import_onnx(network.bytes(), "test").activation == OutputActivation::argmax);
}

TEST_CASE("two classes of a single score are told apart by its sign") {
  NetworkBuilder network({2});
  network.machine_learning(3);
  onnx::NodeProto& node = learned(network, "LinearClassifier", "x", "y");
  node.add_output("scores");
  network.graph().add_output()->set_name("scores");
  NetworkBuilder::attribute(node, "coefficients", std::vector<float>{1, 2});
  NetworkBuilder::attribute(node, "intercepts", std::vector<float>{3});
  NetworkBuilder::attribute(node, "classlabels_ints", std::vector<std::int64_t>{0, 1});
  SECTION("two names") {
    NetworkBuilder::attribute(node, "post_transform", std::string("LOGISTIC"));
    check(network, {1, 2}, {3});
    const ImportedNetwork imported = import_onnx(network.bytes(), "test");
    CHECK(imported.activation == OutputActivation::sigmoid);
    CHECK(imported.labels == std::vector<std::string>{"0", "1"});
  }
  SECTION("three names") {
    node.mutable_attribute(2)->add_ints(2);
    CHECK_THAT(refusal(network), Catch::Contains("3 class labels"));
  }
}

TEST_CASE("a Normalizer after the scores is refused with advice") {
  NetworkBuilder network = classifier("LOGISTIC");
  learned(network, "Normalizer", "scores", "normal");
  network.graph().mutable_output(1)->set_name("normal");
  CHECK_THAT(refusal(network), Catch::Contains("client") && Catch::Contains("Normalizer"));
}
