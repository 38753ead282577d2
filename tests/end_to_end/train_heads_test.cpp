// Heads that `opaline train` fits to tables and to features of images: what it reports and what it refuses.

#include <algorithm>
#include <bit>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "end_to_end/program.h"
#include "opaline/base/file.h"
#include "opaline/model/data/dataset.h"
#include "opaline/model/onnx_network.h"
#include "opaline/model/training/seeded_random.h"
#include "support/temporary_folder.h"

using namespace opaline;
using namespace opaline::test;
using nlohmann::json;

namespace {

void write(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

/// Three classes by size, called 2, 10 and 100, the last rarest; a column that never varies and one of names.
std::string sizes(std::size_t rows, std::uint64_t seed) {
  SeededRandom random(seed);
  std::ostringstream table;
  table << "length,width,made in,serial,size\n";
  for (std::size_t i = 0; i < rows; ++i) {
    const std::size_t size = i % 5 == 0 ? 2 : i % 2;
    table << 10.0 * static_cast<double>(size) + random.uniform(0, 6) << ','
          << 1e-3 * (static_cast<double>(size) + random.uniform()) << ",1998,no " << i << ','
          << std::vector<const char*>{"2", "10", "100"}[size] << '\n';
  }
  return table.str();
}

std::string quantities(std::size_t rows) {
  SeededRandom random(4);
  std::ostringstream table;
  table << "a,b,sum,difference\n";
  for (std::size_t i = 0; i < rows; ++i) {
    const double a = random.uniform(0, 1000);
    const double b = random.uniform(-1, 1);
    table << a << ',' << b << ',' << a + 500 * b + 7 << ',' << a - 500 * b << '\n';
  }
  return table.str();
}

/// A matrix as NumPy writes it (format 1.0, float64, C order).
std::string npy(std::size_t rows, std::size_t columns, const std::vector<double>& values) {
  std::string header = "{'descr': '<f8', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " +
                       std::to_string(columns) + "), }";
  header.resize(117, ' ');
  std::string file = std::string("\x93NUMPY\x01", 7) + std::string("\0\x76\0", 3) + header + '\n';
  for (const double value : values) {
    const auto bits = std::bit_cast<std::uint64_t>(value);
    for (unsigned byte = 0; byte < 8; ++byte) file += static_cast<char>(bits >> (8 * byte));
  }
  return file;
}

/// Lying bars, standing bars and crosses, 28 × 28 pixels.
void write_bars(const TemporaryFolder& folder, const std::string& name, std::size_t classes) {
  SeededRandom random(6);
  ImageSet images{60, 28, 28, std::vector<std::uint8_t>(60 * 784)};
  std::vector<std::uint8_t> labels;
  for (std::size_t i = 0; i < images.count; ++i) {
    labels.push_back(static_cast<std::uint8_t>(i % classes));
    const std::size_t place = 8 + random.below(10);
    for (std::size_t along = 4; along < 24; ++along) {
      const std::size_t shape = i % classes;
      if (shape != 1) images.pixels[i * 784 + place * 28 + along] = 255;
      if (shape != 0) images.pixels[i * 784 + along * 28 + place] = 255;
    }
  }
  write_idx_images(folder / (name + ".images"), images);
  write_idx_labels(folder / (name + ".labels"), labels);
}

json report_of(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "train");
  arguments.emplace_back("--json");
  return json::parse(run_ok(arguments).out);
}

ImportedNetwork network_of(const std::string& path) { return import_onnx(read_file(path, kOnnxLimit), path); }

bool file_has(const std::string& path, const std::string& text) {
  const Bytes file = read_file(path, kOnnxLimit);
  return std::search(file.begin(), file.end(), text.begin(), text.end()) != file.end();
}

/// One line that says all of `parts`, exit code 1, and no network.
void check_refused(const TemporaryFolder& folder, std::vector<std::string> arguments,
                   const std::vector<std::string>& parts) {
  arguments.insert(arguments.begin(), "train");
  arguments.insert(arguments.end(), {"--output", folder / "refused.onnx"});
  const Outcome outcome = run(arguments);
  CAPTURE(outcome.err);
  CHECK(outcome.exit_code == 1);
  CHECK(lines_of(outcome.err).size() == 1);
  for (const std::string& part : parts) CHECK_THAT(outcome.err, Catch::Contains(part));
  CHECK_FALSE(std::filesystem::exists(folder / "refused.onnx"));
}

}  // namespace

TEST_CASE("classes of a table are learnt, cross-validated, held back and tested") {
  const TemporaryFolder folder;
  write(folder / "sizes.csv", sizes(200, 1));
  write(folder / "more.csv", sizes(50, 2));
  const std::vector<std::string> arguments = {"--csv",
                                              folder / "sizes.csv",
                                              "--label-column",
                                              "size",
                                              "--ignore-columns",
                                              "serial",
                                              "--folds",
                                              "4",
                                              "--validation",
                                              "0.1",
                                              "--test-csv",
                                              folder / "more.csv",
                                              "--output",
                                              folder / "net.onnx"};
  const json report = report_of(arguments);
  CHECK(report.at("classes") == json{"2", "10", "100"});  // as numbers
  CHECK(report.at("inputs") == 3);
  CHECK(report.at("rows") == 200);
  CHECK(report.at("constant_columns_without_weight") == json{"made in"});
  REQUIRE(report.at("folds").size() == 4);
  double sum = 0;
  for (const json& fold : report.at("folds")) sum += fold.at("accuracy").get<double>();
  CHECK(report.at("cross_validation_accuracy").get<double>() == Approx(sum / 4));
  CHECK(sum / 4 > 0.98);
  CHECK(report.at("validation_samples") == 20);
  CHECK(report.at("validation_accuracy") > 0.9);
  CHECK(report.at("fitted_to") == "all 200 samples");
  CHECK(report.at("training_accuracy") > 0.98);
  CHECK(report.at("test_accuracy") > 0.95);

  const ImportedNetwork network = network_of(folder / "net.onnx");
  CHECK(network.activation == OutputActivation::softmax);
  CHECK(network.operators == std::vector<std::string>{"Sub", "Div", "Gemm", "Softmax"});
  for (std::size_t k = 0; k < 3; ++k) CHECK(network.map.weights[k * 3 + 2] == 0.0);
  CHECK(file_has(folder / "net.onnx", R"(["length","width","made in"])"));
  CHECK(file_has(folder / "net.onnx", R"(["2","10","100"])"));
  CHECK(file_has(folder / "net.onnx", R"(["size"])"));
  CHECK(file_has(folder / "net.onnx", "[1998.0,1998.0]"));

  SECTION("the same again, with any number of threads") {
    const Bytes first = read_file(folder / "net.onnx", kOnnxLimit);
    std::vector<std::string> again = arguments;
    again.insert(again.end(), {"--threads", "3"});
    CHECK(report_of(again) == report);
    CHECK(read_file(folder / "net.onnx", kOnnxLimit) == first);
  }
  SECTION("another seed deals other folds and fits the same") {
    const Bytes first = read_file(folder / "net.onnx", kOnnxLimit);
    std::vector<std::string> again = arguments;
    again.insert(again.end(), {"--seed", "2"});
    report_of(again);
    CHECK(read_file(folder / "net.onnx", kOnnxLimit) == first);
  }
  SECTION("people get the folds as lines") {
    std::vector<std::string> again = arguments;
    again.insert(again.begin(), "train");
    CHECK_THAT(run_ok(again).out, Catch::Contains("fold 4, accuracy "));
  }
  SECTION("a heavy penalty and few iterations are heard") {
    std::vector<std::string> again = arguments;
    again.insert(again.end(), {"--weight-penalty", "100", "--epochs", "2"});
    const json poor = report_of(again);
    CHECK(poor.at("iterations") <= 2);
    CHECK(poor.at("training_loss") > 5 * report.at("training_loss").get<double>());
  }
}

TEST_CASE("two classes make one output, for the second name") {
  const TemporaryFolder folder;
  write(folder / "t.csv", "x,kind\n1,no\n2,no\n3,yes\n4,yes\n2.4,no\n2.6,yes\n");
  report_of({"--csv", folder / "t.csv", "--label-column", "kind", "--output", folder / "net.onnx"});
  const ImportedNetwork network = network_of(folder / "net.onnx");
  CHECK(network.activation == OutputActivation::sigmoid);
  REQUIRE(network.map.outputs == 1);
  CHECK(network.map.weights[0] > 0);
  CHECK(file_has(folder / "net.onnx", R"(["no","yes"])"));
}

TEST_CASE("quantities are learnt in their own units") {
  const TemporaryFolder folder;
  write(folder / "q.csv", quantities(80));
  const json report =
      report_of({"--csv", folder / "q.csv", "--target-column", "sum,difference", "--folds", "5",
                 "--weight-penalty", "0", "--test-csv", folder / "q.csv", "--output", folder / "net.onnx"});
  CHECK(report.at("targets") == json{"sum", "difference"});
  CHECK_FALSE(report.contains("classes"));
  CHECK(report.at("cross_validation_r2").at("sum") > 0.99999);
  CHECK(report.at("folds").at(4).at("r2").at("difference") > 0.99999);
  CHECK(report.at("training_rmse").at("difference") < 0.01);
  CHECK(report.at("test_r2").at("sum") > 0.99999);
  const ImportedNetwork network = network_of(folder / "net.onnx");
  CHECK(network.activation == OutputActivation::none);
  CHECK(network.map({100, 0.5})[0] == Approx(100 + 250 + 7).margin(0.05));
  CHECK(network.map({100, 0.5})[1] == Approx(100 - 250).margin(0.05));
  CHECK(file_has(folder / "net.onnx", "regression"));

  const json one = report_of({"--csv", folder / "q.csv", "--target-column", "sum", "--ignore-columns",
                              "difference", "--output", folder / "net.onnx"});
  CHECK(one.at("training_r2") > 0.999);
}

TEST_CASE("a matrix without names takes its labels from a file") {
  const TemporaryFolder folder;
  std::vector<double> values;
  std::vector<std::uint8_t> labels;
  std::string column = "kind\n";
  for (std::size_t i = 0; i < 30; ++i) {
    values.insert(values.end(), {static_cast<double>(i), -1.0});
    labels.push_back(i < 12 ? 0 : 1);
    column += i < 12 ? "few\n" : "many\n";
  }
  write(folder / "x.npy", npy(30, 2, values));
  write_idx_labels(folder / "y.idx", labels);
  write(folder / "y.csv", column);
  write(folder / "y.npy", npy(30, 1, {labels.begin(), labels.end()}));
  const std::vector<std::pair<std::string, json>> files = {
      {"y.idx", {"0", "1"}}, {"y.csv", {"few", "many"}}, {"y.npy", {"0", "1"}}};
  for (const auto& [name, classes] : files) {
    CAPTURE(name);
    const json report =
        report_of({"--csv", folder / "x.npy", "--labels", folder / name, "--test-csv", folder / "x.npy",
                   "--test-labels", folder / name, "--output", folder / "net.onnx"});
    CHECK(report.at("classes") == classes);
    CHECK(report.at("training_accuracy") == 1.0);
    CHECK(report.at("test_accuracy") == 1.0);
    CHECK(report.at("constant_columns_without_weight") == json{"1"});
  }
  write_idx_labels(folder / "y.idx", std::vector<std::uint8_t>(29));
  check_refused(folder, {"--csv", folder / "x.npy", "--labels", folder / "y.idx"},
                {"y.idx", "29 labels", "30 rows"});
  check_refused(folder, {"--csv", folder / "x.npy", "--labels", folder / "x.npy"}, {"x.npy", "one column"});
}

TEST_CASE("tables that cannot be learnt from are refused") {
  const TemporaryFolder folder;
  const auto refused = [&](const std::string& text, const std::vector<std::string>& arguments,
                           const std::vector<std::string>& parts) {
    write(folder / "t.csv", text);
    std::vector<std::string> all = {"--csv", folder / "t.csv"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    check_refused(folder, all, parts);
  };
  const std::vector<std::string> by_kind = {"--label-column", "kind"};
  refused("x,kind\n1,a\n2,a\n", by_kind, {"t.csv", "two classes"});
  refused("x,kind\n1,a\n,b\n", by_kind, {"t.csv", "line 3", "\"x\""});
  refused("x,kind\n1,a\nblue,b\n", by_kind, {"t.csv", "line 3", "blue"});
  refused("x,kind\n1,a\n2,\n", by_kind, {"t.csv", "line 3", "kind"});
  refused("x,kind\n1,0.5\n2,1\n3,1.5\n4,2\n", by_kind, {"t.csv", "4 different", "--target-column"});
  refused("x,kinds\n1,a\n2,b\n", by_kind, {"t.csv", "kinds"});
  refused("kind\na\nb\n", by_kind, {"t.csv", "no columns left"});
  refused("x,kind\n1,a\n2,b\n", {"--target-column", "kind"}, {"t.csv", "line 2", "kind"});
  refused("x,y\n1,1\n2,2\n", {"--target-column", "y,y"}, {"t.csv", "\"y\""});
  refused("x,y\n1,1\n2,2\n", {"--target-column", "y", "--ignore-columns", "y"}, {"t.csv", "\"y\""});
  refused("x,y\n1,1\n2,2\n", {"--target-column", "y", "--ignore-columns", "z"}, {"t.csv", "\"z\""});
  refused("x,y\n1e300,1\n-1e300,2\n", {"--target-column", "y"}, {"single precision"});
  refused("x,kind\n1,a\n2,b\n", {"--label-column", "kind", "--folds", "3"}, {"cross-validation"});
  write(folder / "test.csv", "x,kind\n1,c\n");
  refused("x,kind\n1,a\n2,b\n", {"--label-column", "kind", "--test-csv", folder / "test.csv"},
          {"test.csv", "\"c\""});
}

TEST_CASE("features of images are learnt, and only of images of their size") {
  const TemporaryFolder folder;
  for (const std::size_t classes : {2U, 3U}) {
    write_bars(folder, "bars", classes);
    for (const std::string& map : {std::string("gradients"), std::string("gradients-cosine")}) {
      CAPTURE(classes, map);
      const json report =
          report_of({"--images", folder / "bars.images", "--labels", folder / "bars.labels", "--features",
                     map, "--hidden", "none", "--folds", "3", "--test-images", folder / "bars.images",
                     "--test-labels", folder / "bars.labels", "--output", folder / "net.onnx"});
      CHECK(report.at("features") == map);
      CHECK(report.at("inputs") == (map == "gradients" ? 128 : 400));
      CHECK(report.at("classes") == classes);
      CHECK(report.at("cross_validation_accuracy") == 1.0);
      CHECK(report.at("test_accuracy") == 1.0);
      CHECK(network_of(folder / "net.onnx").map.outputs == (classes == 2 ? 1 : 3));
      CHECK(file_has(folder / "net.onnx", "opaline.features"));
      CHECK(file_has(folder / "net.onnx", map));
    }
  }
  write_idx_images(folder / "small", ImageSet{2, 27, 28, std::vector<std::uint8_t>(2 * 27 * 28)});
  write_idx_labels(folder / "two", std::vector<std::uint8_t>{0, 1});
  check_refused(folder, {"--images", folder / "small", "--labels", folder / "two", "--features", "gradients"},
                {"small", "28 x 28", "27 x 28"});
}
