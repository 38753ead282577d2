// Tables: trained, compiled, encrypted and read back by column names; and everything that can be wrong with
// them.

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "end_to_end/program.h"
#include "end_to_end/workshop.h"
#include "opaline/model/training/seeded_random.h"
#include "support/temporary_folder.h"

using namespace opaline::test;
using nlohmann::json;

namespace {

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

/// Fruit by weight (grams), colour (a share) and an id that says nothing; the price follows from both.
std::string fruit(std::size_t rows, bool with_price) {
  opaline::SeededRandom random(3);
  std::ostringstream table;
  table << "weight,\"colour, share\"," << (with_price ? "price" : "kind") << '\n';
  for (std::size_t i = 0; i < rows; ++i) {
    const bool melon = i % 2 == 0;
    const double weight = (melon ? 2000.0 : 150.0) + static_cast<double>(random.below(100));
    const double colour = 0.001 * static_cast<double>(random.below(1000));
    table << weight << ',' << colour << ',';
    if (with_price) {
      table << 0.002 * weight + 3 * colour - 1 << '\n';
    } else {
      table << (melon ? "melon" : "apple") << '\n';
    }
  }
  return table.str();
}

/// Encrypts a table, has it evaluated, and gives back what decrypt prints.
std::string travel(const TemporaryFolder& folder, const std::string& table,
                   const std::vector<std::string>& how_to_print) {
  run_ok({"encrypt", "--key", workshop() / "alice.key", "--spec", folder / "model.client", "--csv", table,
          "--output", folder / "query"});
  run_ok({"evaluate", "--model", folder / "model.server", "--output", folder / "reply", folder / "query"});
  std::vector<std::string> decrypt = {
      "decrypt", "--key", workshop() / "alice.key", "--spec", folder / "model.client", folder / "reply"};
  decrypt.insert(decrypt.end(), how_to_print.begin(), how_to_print.end());
  return run_ok(decrypt).out;
}

std::string predict(const TemporaryFolder& folder, const std::string& table,
                    const std::vector<std::string>& how_to_print) {
  std::vector<std::string> arguments = {"predict", "--model", folder / "model.server", "--csv", table};
  arguments.insert(arguments.end(), how_to_print.begin(), how_to_print.end());
  return run_ok(arguments).out;
}

/// One line that says all of `parts`, and exit code 1.
void check_refused(const std::vector<std::string>& arguments, const std::vector<std::string>& parts) {
  const Outcome outcome = run(arguments);
  CAPTURE(outcome.err);
  CHECK(outcome.exit_code == 1);
  CHECK(lines_of(outcome.err).size() == 1);
  for (const std::string& part : parts) CHECK_THAT(outcome.err, Catch::Contains(part));
}

}  // namespace

TEST_CASE("a binary table model answers raw columns with names and probabilities") {
  const TemporaryFolder folder;
  write(folder / "fruit.csv", fruit(80, false));
  run_ok({"train", "--csv", folder / "fruit.csv", "--label-column", "kind", "--output", folder / "net.onnx"});
  const json report = json::parse(run_ok({"compile", folder / "net.onnx", "--output", folder / "model",
                                          "--calibrate-csv", folder / "fruit.csv", "--json"})
                                      .out);
  CHECK(report.at("float_accuracy") == 1.0);
  CHECK(report.at("integer_accuracy") == 1.0);
  CHECK(report.at("input_ranges") == 2);

  const std::string decrypted = travel(folder, folder / "fruit.csv", {"--json", "--scores"});
  CHECK(decrypted == predict(folder, folder / "fruit.csv", {"--json", "--scores"}));
  const std::vector<std::string> lines = lines_of(decrypted);
  REQUIRE(lines.size() == 80);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const json answer = json::parse(lines[i]);
    CHECK(answer.at("label") == (i % 2 == 0 ? "melon" : "apple"));
    CHECK(answer.at("probability") > 0.5);
    CHECK(answer.at("probability") <= 1.0);
    CHECK(answer.at("integers").size() == 1);
  }
  const std::string people = travel(folder, folder / "fruit.csv", {"--labels", folder / "fruit.csv"});
  CHECK(lines_of(people).back() == "accuracy 100.00 % (80 of 80)");

  SECTION("columns are found by their names") {
    write(folder / "other.csv", "\"colour, share\";weight\n0.5;2010\n0.5;170\n");
    const std::vector<std::string> answers = lines_of(travel(folder, folder / "other.csv", {}));
    REQUIRE(answers.size() == 2);
    CHECK_THAT(answers[0], Catch::Contains("melon"));
    CHECK_THAT(answers[1], Catch::Contains("apple"));
  }
  SECTION("numbers beyond their range are clipped, and that is said") {
    write(folder / "wild.csv", "weight,\"colour, share\"\n160,0.5\n1e9,0.5\n-7,0.5\n");
    const Outcome outcome =
        run({"predict", "--model", folder / "model.server", "--csv", folder / "wild.csv"});
    CHECK(outcome.exit_code == 0);
    CHECK_THAT(outcome.out, Catch::Contains("1\t1\tmelon") && Catch::Contains("2\t0\tapple"));
    CHECK_THAT(outcome.err,
               Catch::Contains("2 of 3 rows") && Catch::Contains("line 3") && Catch::Contains("\"weight\""));
  }
  SECTION("or refused, where the model says so") {
    run_ok({"compile", folder / "net.onnx", "--output", folder / "model", "--beyond", "refuse"});
    write(folder / "wild.csv", "weight,\"colour, share\"\n160,0.5\n1e9,0.5\n");
    check_refused({"predict", "--model", folder / "model.server", "--csv", folder / "wild.csv"},
                  {"wild.csv", "line 3", "column \"weight\""});
  }
}

TEST_CASE("a regression gives values in the units of its target") {
  const TemporaryFolder folder;
  write(folder / "fruit.csv", fruit(60, true));
  run_ok(
      {"train", "--csv", folder / "fruit.csv", "--target-column", "price", "--output", folder / "net.onnx"});
  run_ok({"compile", folder / "net.onnx", "--output", folder / "model", "--calibrate-csv",
          folder / "fruit.csv"});
  const std::string decrypted = travel(folder, folder / "fruit.csv", {"--json", "--scores"});
  CHECK(decrypted == predict(folder, folder / "fruit.csv", {"--json", "--scores"}));
  write(folder / "two.csv", "weight,\"colour, share\"\n2050,0.5\n180,0.25\n");
  const std::vector<std::string> lines = lines_of(travel(folder, folder / "two.csv", {"--json"}));
  REQUIRE(lines.size() == 2);
  CHECK(json::parse(lines[0]).at("values").at(0) == Approx(0.002 * 2050 + 1.5 - 1).margin(0.05));
  CHECK(json::parse(lines[1]).at("values").at(0) == Approx(0.002 * 180 + 0.75 - 1).margin(0.05));
  CHECK_FALSE(json::parse(lines[0]).contains("class"));
  const std::string people = travel(folder, folder / "fruit.csv", {"--labels", folder / "fruit.csv"});
  CHECK_THAT(lines_of(people).back(),
             Catch::Contains("price: root mean square error") && Catch::Contains("R2 0.99"));
}

TEST_CASE("a table that does not fit is refused with its line and its column") {
  const TemporaryFolder folder;
  write(folder / "fruit.csv", fruit(80, false));
  run_ok({"train", "--csv", folder / "fruit.csv", "--label-column", "kind", "--output", folder / "net.onnx"});
  run_ok({"compile", folder / "net.onnx", "--output", folder / "model"});
  const auto refused = [&](const std::string& text, const std::vector<std::string>& parts) {
    write(folder / "t.csv", text);
    check_refused({"encrypt", "--key", workshop() / "alice.key", "--spec", folder / "model.client", "--csv",
                   folder / "t.csv", "--output", folder / "q"},
                  parts);
    CHECK_FALSE(std::filesystem::exists(folder / "q"));
  };
  const std::string header = "weight,\"colour, share\"\n";
  refused(header + "1,0.5\n2,\n", {"t.csv", "line 3", "colour, share"});
  refused(header + "1,0.5\nheavy,0.5\n", {"t.csv", "line 3", "weight", "heavy"});
  refused("weight\n1\n", {"t.csv", "line 1", "colour, share"});
  refused("weight,\"colour, share\",note\n1,0.5,7\n", {"t.csv", "line 1", "note", "--ignore-columns"});
  refused("", {"t.csv"});
  refused(header, {"t.csv"});
  write(folder / "t.csv", "weight,\"colour, share\",note\n160,0.5,7\n");
  run_ok({"encrypt", "--key", workshop() / "alice.key", "--spec", folder / "model.client", "--csv",
          folder / "t.csv", "--ignore-columns", "note", "--output", folder / "q"});
  check_refused({"train", "--csv", folder / "fruit.csv", "--label-column", "sort", "--output", folder / "x"},
                {"fruit.csv", "sort", "kind"});
  // Images for a model of tables and the other way round.
  check_refused({"predict", "--model", folder / "model.server", "--images", workshop() / "images.idx"},
                {"images.idx"});
  check_refused({"predict", "--model", workshop() / "shapes.server", "--csv", folder / "fruit.csv"},
                {"fruit.csv"});
}

TEST_CASE("ranges can be given for each column, by name or in order") {
  const TemporaryFolder folder;
  write(folder / "fruit.csv", fruit(80, false));
  run_ok({"train", "--csv", folder / "fruit.csv", "--label-column", "kind", "--output", folder / "net.onnx"});
  const auto ranges = [&](const std::string& text) {
    write(folder / "ranges.csv", text);
    run_ok({"compile", folder / "net.onnx", "--output", folder / "model", "--input-ranges",
            folder / "ranges.csv"});
    return json::parse(run_ok({"inspect", "--json", folder / "model.client"}).out).at("input_ranges");
  };
  const json wanted = {{100.0, 2500.0}, {-1.0, 2.0}};
  CHECK(ranges("column,highest,lowest\n\"colour, share\",2,-1\nweight,2500,100\n") == wanted);
  CHECK(ranges("lowest,highest\n100,2500\n-1,2\n") == wanted);
  CHECK(ranges("100,2500\n-1,2\n") == wanted);
  // Explicit ranges are meant: what lies beyond is refused.
  write(folder / "t.csv", "weight,\"colour, share\"\n99,0\n");
  check_refused({"predict", "--model", folder / "model.server", "--csv", folder / "t.csv"},
                {"line 2", "weight", "99"});
  for (const char* bad : {"column,lowest,highest\nweight,0,1\n", "lowest,highest\n0,1\n0,0\n", "lowest\n0\n",
                          "0.5\n1\n", "lowest,highest\n0,1\n0,1\n0,1\n"}) {
    CAPTURE(bad);
    write(folder / "ranges.csv", bad);
    check_refused(
        {"compile", folder / "net.onnx", "--output", folder / "x", "--input-ranges", folder / "ranges.csv"},
        {});
  }
  write(folder / "ranges.csv", "lowest,highest\n0,1\n0,0\n");
  check_refused(
      {"compile", folder / "net.onnx", "--output", folder / "x", "--input-ranges", folder / "ranges.csv"},
      {"ranges.csv", "line 3"});
}

TEST_CASE("columns whose names are numbers are found by them") {
  const TemporaryFolder folder;
  std::ostringstream table;
  opaline::SeededRandom random(8);
  table << "2019,2020,kind\n";
  for (int i = 0; i < 60; ++i) {
    table << random.uniform(0, 10) + (i % 2 == 0 ? 0 : 30) << ',' << random.uniform(0, 1) << ','
          << (i % 2 == 0 ? "low" : "high") << '\n';
  }
  write(folder / "years.csv", table.str());
  run_ok({"train", "--csv", folder / "years.csv", "--label-column", "kind", "--output", folder / "net.onnx"});
  run_ok({"compile", folder / "net.onnx", "--output", folder / "model", "--calibrate-csv",
          folder / "years.csv"});
  write(folder / "new.csv", "2019,2020\n5,0.5\n35,0.25\n");
  write(folder / "swapped.csv", "2020,2019\n0.5,5\n0.25,35\n");
  const std::string answers = predict(folder, folder / "new.csv", {});
  CHECK_THAT(answers, Catch::Contains("0\t1\tlow") && Catch::Contains("1\t0\thigh"));
  CHECK(lines_of(answers).size() == 2);
  CHECK(predict(folder, folder / "swapped.csv", {}) == answers);
}

TEST_CASE("a label that cannot be the name of a class is refused where it is learnt") {
  const TemporaryFolder folder;
  for (const std::string& label : {std::string("ap\tple"), std::string(257, 'a')}) {
    write(folder / "t.csv", "x,kind\n1,\"" + label + "\"\n2,pear\n3,pear\n");
    check_refused({"train", "--csv", folder / "t.csv", "--label-column", "kind", "--output", folder / "net"},
                  {"t.csv", "label", "256 bytes"});
  }
}

TEST_CASE("several quantities of different sizes are answered by one model") {
  const TemporaryFolder folder;
  std::ostringstream table;
  opaline::SeededRandom random(5);
  table << "x,large,small\n";
  for (int i = 0; i < 60; ++i) {
    const double x = random.uniform(-1, 1);
    table << x << ',' << 1e6 * x + 5e6 << ',' << 1e-3 * x - 2e-3 << '\n';
  }
  write(folder / "t.csv", table.str());
  run_ok({"train", "--csv", folder / "t.csv", "--target-column", "large,small", "--output",
          folder / "net.onnx"});
  const auto compile = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"compile",        folder / "net.onnx", "--output",
                                          folder / "model", "--calibrate-csv",   folder / "t.csv",
                                          "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_ok(arguments);
  };
  // Each in units of its own: the large one must not decide alone.
  const Outcome chosen = compile({});
  const json report = json::parse(chosen.out);
  CHECK(chosen.err.empty());
  CHECK(report.at("agreement") >= 0.995);
  REQUIRE(report.at("quantities").size() == 2);
  for (const json& quantity : report.at("quantities")) {
    CAPTURE(quantity.dump());
    CHECK(quantity.at("agreement") >= 0.995);
    CHECK(quantity.at("integer_r2") > 0.9999);
    CHECK(quantity.at("largest_error") <= quantity.at("error_bound"));
    CHECK(quantity.at("error_bound") < (quantity.at("name") == "large" ? 5e4 : 5e-5));
  }
  const Outcome poor = compile({"--weight-scales", "global", "--report", folder / "poor.html"});
  CHECK_THAT(poor.err, Catch::Contains("warning") && Catch::Contains("--agreement") &&
                           Catch::Contains("--weight-scales per-output"));
  CHECK(json::parse(poor.out).at("agreement") < 0.5);
  std::stringstream page;
  page << std::ifstream(folder / "poor.html").rdbuf();
  CHECK_THAT(page.str(), Catch::Contains("<h2>Quantities</h2>") && Catch::Contains("small"));
  compile({"--input-bits", "10", "--weight-bits", "10"});
  write(folder / "one.csv", "x\n0.5\n");
  const std::string decrypted = travel(folder, folder / "one.csv", {"--json"});
  CHECK(decrypted == predict(folder, folder / "one.csv", {"--json"}));
  const auto values = json::parse(decrypted).at("values").get<std::vector<double>>();
  REQUIRE(values.size() == 2);
  CHECK(values[0] == Approx(5.5e6).epsilon(0.005));
  CHECK(values[1] == Approx(-1.5e-3).epsilon(0.005));
}

TEST_CASE("a compilation that cannot write its report leaves nothing behind") {
  const TemporaryFolder folder;
  check_refused({"compile", workshop() / "net.onnx", "--output", folder / "model", "--report",
                 folder / "absent" / "report.html"},
                {"report.html"});
  CHECK(folder.empty());
}

TEST_CASE("inspect knows tables and pictures") {
  const TemporaryFolder folder;
  write(folder / "t.csv", "a,b\n1,2\n3,4\n");
  const json table = json::parse(run_ok({"inspect", "--json", folder / "t.csv"}).out);
  CHECK(table.at("kind") == "table");
  CHECK(table.at("rows") == 2);
  CHECK(table.at("columns") == json({"a", "b"}));
  const std::string picture = std::string(OPALINE_DEMO_FOLDER) + "/digit-3.png";
  CHECK(json::parse(run_ok({"inspect", "--json", picture}).out).at("kind") == "picture (PNG)");
}

TEST_CASE("photographs are classified under encryption") {
  const TemporaryFolder folder;
  const std::string demo = OPALINE_DEMO_FOLDER;
  const std::vector<std::string> photographs = {demo + "/digit-2.png", demo + "/digit-9.png"};
  const auto with_photographs = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--image", photographs[0], photographs[1]});
    return arguments;
  };
  run_ok(with_photographs({"encrypt", "--key", workshop() / "alice.key", "--spec",
                           demo + "/digits-gradients.client", "--output", folder / "query"}));
  run_ok({"evaluate", "--model", demo + "/digits-gradients.server", "--output", folder / "reply",
          folder / "query"});
  const std::string out = run_ok({"decrypt", "--key", workshop() / "alice.key", "--spec",
                                  demo + "/digits-gradients.client", folder / "reply", "--json", "--scores"})
                              .out;
  CHECK(out == run_ok(with_photographs(
                          {"predict", "--model", demo + "/digits-gradients.server", "--json", "--scores"}))
                   .out);
  const std::vector<std::string> lines = lines_of(out);
  REQUIRE(lines.size() == 2);
  CHECK(json::parse(lines[0]).at("class") == 2);
  CHECK(json::parse(lines[1]).at("class") == 9);
  check_refused({"predict", "--model", workshop() / "shapes.server", "--image", photographs[0]},
                {"digit-2.png"});
  check_refused({"predict", "--model", demo + "/digits.server", "--image", workshop() / "images.idx"},
                {"images.idx"});
}

TEST_CASE("exactly one kind of input is asked for") {
  const std::string model = workshop() / "shapes.server";
  const std::string images = workshop() / "images.idx";
  CHECK(run({"predict", "--model", model}).exit_code == 2);
  CHECK(run({"predict", "--model", model, "--images", images, "--csv", images}).exit_code == 2);
  CHECK(run({"predict", "--model", model, "--images", images, "--ignore-columns", "a"}).exit_code == 2);
}
