// Networks trained elsewhere, on MNIST: what the data sets say they answer, and what encryption makes of it.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "end_to_end/program.h"
#include "support/data.h"
#include "support/temporary_folder.h"

using namespace opaline::test;
using nlohmann::json;

namespace {

// Rows of numbers separated by commas; lines that hold anything else are titles.
std::vector<std::vector<double>> read_table(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::vector<std::vector<double>> rows;
  for (std::string line; std::getline(file, line);) {
    std::istringstream cells(line);
    std::vector<double> row;
    bool numbers = true;
    for (std::string cell; std::getline(cells, cell, ',');) {
      std::size_t used = 0;
      try {
        row.push_back(std::stod(cell, &used));
      } catch (const std::exception&) {
        numbers = false;
      }
    }
    if (numbers && !row.empty()) rows.push_back(row);
  }
  return rows;
}

long largest(const std::vector<double>& values) {
  return std::max_element(values.begin(), values.end()) - values.begin();
}

// How far the second is behind the first.
double lead(std::vector<double> values) {
  std::sort(values.begin(), values.end(), std::greater<>());
  return values[0] - values[1];
}

}  // namespace

TEST_CASE("networks give the classes of their expected logits, decrypted") {
  const std::string images = data("mnist/t10k-images-idx3-ubyte.gz").string();
  for (const std::string name : {"mnist_mlp_784_128_64_10_identity", "mnist_logreg"}) {
    CAPTURE(name);
    const TemporaryFolder folder;
    run_ok({"keygen", "--bits", "1024", "--output", folder / "key"});
    run_ok({"compile", data(("models/" + name + ".onnx").c_str()).string(), "--output", folder / "model",
            "--input-bits", "8", "--weight-bits", "12"});
    run_ok({"encrypt", "--key", folder / "key.key", "--spec", folder / "model.client", "--images", images,
            "--range", "0:100", "--output", folder / "query"});
    run_ok({"evaluate", "--model", folder / "model.server", "--output", folder / "reply", folder / "query"});
    const std::string out = run_ok({"decrypt", "--key", folder / "key.key", "--spec", folder / "model.client",
                                    "--json", "--scores", folder / "reply"})
                                .out;
    const std::vector<std::string> answers = lines_of(out);
    const auto expected = read_table(data(("models/" + name + ".expected_logits.csv").c_str()));
    REQUIRE(expected.size() == 100);
    REQUIRE(answers.size() == 100);
    for (std::size_t i = 0; i < answers.size(); ++i) {
      CAPTURE(i);
      const json answer = json::parse(answers[i]);
      const auto scores = answer.at("scores").get<std::vector<double>>();
      CHECK(answer.at("class") == largest(expected[i]));
      for (std::size_t k = 0; k < scores.size(); ++k) CHECK(scores[k] == Approx(expected[i][k]).margin(0.05));
      CHECK(lead(expected[i]) > 0);
    }
  }
}

TEST_CASE("a network with a Relu is refused by the name of its node") {
  const TemporaryFolder folder;
  const Outcome outcome = run(
      {"compile", data("models/REJECT_mnist_mlp_relu_784_128_10.onnx").string(), "--output", folder / "out"});
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.err.find("Relu") != std::string::npos);
  CHECK(lines_of(outcome.err).size() == 1);
  CHECK(listing(folder.path()).empty());
}
