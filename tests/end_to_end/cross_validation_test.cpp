// Wine and the Wisconsin breast cancer data (UCI), five times trained on four fifths and tested, under
// encryption, on the fifth.

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "end_to_end/program.h"
#include "opaline/model/seeded_random.h"
#include "opaline/model/table.h"
#include "support/data.h"
#include "support/temporary_folder.h"

using namespace opaline;
using namespace opaline::test;

namespace {

constexpr std::size_t kFolds = 5;

/// Some rows of a table as CSV with a header.
void write_rows(const std::string& path, const Table& table, const std::vector<std::size_t>& rows) {
  std::ofstream file(path);
  const std::size_t last = table.width() - 1;
  std::vector<std::vector<std::string>> columns;
  for (std::size_t j = 0; j < table.width(); ++j) {
    file << table.columns()[j] << (j == last ? '\n' : ',');
    columns.push_back(table.texts(j));
  }
  for (const std::size_t row : rows) {
    for (std::size_t j = 0; j < table.width(); ++j) file << columns[j][row] << (j == last ? '\n' : ',');
  }
}

/// The share of rows that are put into their class by a model that has not seen them.
double cross_validated(const char* data_set) {
  const Table table = Table::read(data(data_set));
  const std::vector<std::string> truth = table.texts(table.position("class"));
  std::vector<std::size_t> order(table.rows());
  std::iota(order.begin(), order.end(), std::size_t{0});
  SeededRandom random(1);
  random.shuffle(order);

  const TemporaryFolder folder;
  run_ok({"keygen", "--bits", "1024", "--output", folder / "key"});
  std::size_t right = 0;
  for (std::size_t fold = 0; fold < kFolds; ++fold) {
    std::vector<std::size_t> training;
    std::vector<std::size_t> testing;
    for (std::size_t i = 0; i < order.size(); ++i) {
      (i % kFolds == fold ? testing : training).push_back(order[i]);
    }
    write_rows(folder / "training.csv", table, training);
    write_rows(folder / "testing.csv", table, testing);
    run_ok({"train", "--csv", folder / "training.csv", "--label-column", "class", "--output",
            folder / "net.onnx"});
    run_ok({"compile", folder / "net.onnx", "--output", folder / "model", "--calibrate-csv",
            folder / "training.csv"});
    run_ok({"encrypt", "--key", folder / "key.key", "--spec", folder / "model.client", "--csv",
            folder / "testing.csv", "--output", folder / "query"});
    run_ok({"evaluate", "--model", folder / "model.server", "--output", folder / "reply", folder / "query"});
    const std::string decrypted = run_ok({"decrypt", "--key", folder / "key.key", "--spec",
                                          folder / "model.client", "--json", "--scores", folder / "reply"})
                                      .out;
    CHECK(decrypted == run_ok({"predict", "--model", folder / "model.server", "--csv", folder / "testing.csv",
                               "--json", "--scores"})
                           .out);
    const std::vector<std::string> answers = lines_of(decrypted);
    REQUIRE(answers.size() == testing.size());
    for (std::size_t i = 0; i < answers.size(); ++i) {
      if (nlohmann::json::parse(answers[i]).at("label") == truth[testing[i]]) ++right;
    }
  }
  return static_cast<double>(right) / static_cast<double>(table.rows());
}

}  // namespace

TEST_CASE("wine is told apart by encrypted analyses") {
  const double accuracy = cross_validated("wine/wine_data.csv");
  CAPTURE(accuracy);
  CHECK(accuracy >= 0.96);
}

TEST_CASE("tumours are told apart by encrypted measurements") {
  const double accuracy = cross_validated("wdbc/breast_cancer.csv");
  CAPTURE(accuracy);
  CHECK(accuracy >= 0.97);
}
