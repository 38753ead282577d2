#include "opaline/model/head_network.h"

#include <onnx/checker.h>
#include <onnx/onnx_pb.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <map>
#include <string>

#include "support/error_kind.h"

using namespace opaline;
using opaline::test::kind_of;

namespace {

HeadNetwork example() {
  HeadNetwork network;
  network.head = {2, 3, {1, 2, 3, 4, 5, 6}, {7, 8, 9}};
  network.standardisation = Standardisation{{10, -1}, {4, 0.5}};
  network.activation = OutputActivation::softmax;
  return network;
}

onnx::ModelProto parsed(const HeadNetwork& network) {
  const Bytes file = to_onnx(network);
  onnx::ModelProto model;
  REQUIRE(model.ParseFromArray(file.data(), static_cast<int>(file.size())));
  REQUIRE_NOTHROW(onnx::checker::check_model(model));
  return model;
}

}  // namespace

TEST_CASE("A standardisation is that of the population, and 1 for what never varies") {
  const std::vector<double> values = {1, 5, 1e9, 3, 5, 1e9 + 2, 5, 5, 1e9 + 1};
  const SampleRows<double> rows{3, values};
  const Standardisation s = standardisation_of(rows);
  CHECK(s.mean[0] == 3.0F);
  CHECK(s.deviation[0] == Approx(std::sqrt(8.0 / 3)));
  CHECK(s.mean[1] == 5.0F);
  CHECK(s.deviation[1] == 1.0F);
  CHECK(s.deviation[2] == Approx(std::sqrt(2.0 / 3)));
  const std::vector<double> even = standardised(rows, s);
  CHECK(even[0] == Approx(-2 / std::sqrt(8.0 / 3)));
  CHECK(even[1] == 0.0);
  CHECK(even[5] - even[2] == Approx(2 / std::sqrt(2.0 / 3)));
  CHECK(kind_of([] {
          standardisation_of({1, std::vector<double>{1e39, 0}});
        }) == ErrorKind::invalid_argument);
  CHECK(kind_of([] { standardisation_of({1, {}}); }) == ErrorKind::invalid_argument);
}

TEST_CASE("A head is read again as the affine map of raw inputs it is") {
  // W ((x − m) / d) + b: the rows of W over (4, 0.5), and b − W (2.5, −2).
  const ImportedNetwork network = import_onnx(to_onnx(example()), "head");
  CHECK(network.map.weights == std::vector<double>{0.25, 4, 0.75, 8, 1.25, 12});
  CHECK(network.map.bias == std::vector<double>{7 - 2.5 + 4, 8 - 7.5 + 8, 9 - 12.5 + 12});
  CHECK(network.activation == OutputActivation::softmax);
  CHECK(network.operators == std::vector<std::string>{"Sub", "Div", "Gemm", "Softmax"});
  CHECK(network.input_shape == std::vector<std::size_t>{2});
}

TEST_CASE("Heads end in what they are for, and ONNX's own checker finds them valid") {
  HeadNetwork network = example();
  CHECK(parsed(network).graph().output(0).name() == "probabilities");
  network.activation = OutputActivation::none;
  CHECK(parsed(network).graph().output(0).name() == "values");
  CHECK(import_onnx(to_onnx(network), "head").activation == OutputActivation::none);
  network.head = {2, 1, {1, 2}, {3}};
  network.activation = OutputActivation::sigmoid;
  network.standardisation.reset();
  CHECK(parsed(network).graph().node_size() == 2);
  const ImportedNetwork imported = import_onnx(to_onnx(network), "head");
  CHECK(imported.activation == OutputActivation::sigmoid);
  CHECK(imported.map.weights == network.head.weights);
}

TEST_CASE("The notes travel in the file") {
  HeadNetwork network = example();
  CHECK(parsed(network).metadata_props_size() == 0);
  network.notes.columns = {"age", "größe"};
  network.notes.answers = {"kind"};
  network.notes.labels = {"a", "b", "c"};
  network.notes.ranges = {{-1, 0.1}, {3, 3}};
  const onnx::ModelProto model = parsed(network);
  std::map<std::string, std::string> metadata;
  for (const auto& entry : model.metadata_props()) metadata[entry.key()] = entry.value();
  const NetworkNotes notes = notes_from_metadata(metadata);
  CHECK(notes.columns == network.notes.columns);
  CHECK(notes.answers == network.notes.answers);
  CHECK(notes.labels == network.notes.labels);
  REQUIRE(notes.ranges.size() == 2);
  CHECK(notes.ranges[0].highest == 0.1);
  CHECK(to_onnx(network) == to_onnx(network));
}

TEST_CASE("Parts that do not fit together are not written") {
  const auto refused = [](auto change) {
    HeadNetwork network = example();
    change(network);
    CHECK(kind_of([&] { to_onnx(network); }) == ErrorKind::invalid_argument);
  };
  refused([](auto& n) { n.head.weights.pop_back(); });
  refused([](auto& n) { n.head.bias.push_back(0); });
  refused([](auto& n) { n.head = {}; });
  refused([](auto& n) { n.standardisation->mean.pop_back(); });
  refused([](auto& n) { n.standardisation->deviation.push_back(1); });
  refused([](auto& n) { n.head.weights[0] = 1e39; });
  refused([](auto& n) { n.activation = OutputActivation::argmax; });
}
