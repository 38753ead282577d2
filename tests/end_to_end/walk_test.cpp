// The whole way of an image, through the command and its files.

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "end_to_end/program.h"
#include "end_to_end/workshop.h"
#include "support/temporary_folder.h"

using namespace opaline::test;
using nlohmann::json;

namespace {

// Encrypts, evaluates and decrypts; gives what decrypt printed.
std::string travel(const std::string& key, const std::string& layout, const std::vector<std::string>& common,
                   const std::string& noise = "full") {
  const Workshop& files = workshop();
  const TemporaryFolder folder;
  const auto step = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), common.begin(), common.end());
    return run_ok(arguments).out;
  };
  step({"encrypt", "--key", files / key, "--spec", files / "shapes.client", "--images", files / "images.idx",
        "--range", "3:50", "--layout", layout, "--noise", noise, "--output", folder / "query"});
  step({"evaluate", "--model", files / "shapes.server", "--output", folder / "reply", folder / "query"});
  return step({"decrypt", "--key", files / "alice.key", "--spec", files / "shapes.client", "--json",
               "--scores", folder / "reply"});
}

std::string predict(const std::vector<std::string>& more) {
  std::vector<std::string> arguments = {
      "predict", "--model", workshop() / "shapes.server", "--images", workshop() / "images.idx",
      "--range", "3:50"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run_ok(arguments).out;
}

unsigned permissions(const std::string& path) {
  return static_cast<unsigned>(std::filesystem::status(path).permissions());
}

}  // namespace

TEST_CASE("decrypt prints what predict prints, whichever key encrypted in whichever layout") {
  const std::string expected = predict({"--json", "--scores"});
  REQUIRE(lines_of(expected).size() == 47);
  for (const char* key : {"alice.key", "alice.pub"}) {
    for (const char* layout : {"plain", "throughput", "latency", "bandwidth", "auto"}) {
      CAPTURE(key, layout);
      CHECK(travel(key, layout, {}) == expected);
    }
  }
}

TEST_CASE("the shorter noise changes nothing but time") {
  const std::string expected = predict({"--json", "--scores"});
  for (const char* key : {"alice.key", "alice.pub"}) CHECK(travel(key, "plain", {}, "djn") == expected);
}

TEST_CASE("latency, bandwidth and throughput are layouts") {
  const std::string expected = predict({"--json", "--scores"});
  for (const char* layout : {"latency", "bandwidth", "throughput"}) {
    CAPTURE(layout);
    CHECK(travel("alice.key", layout, {}) == expected);
  }
}

TEST_CASE("integers do not depend on the number of threads or on the backend's name") {
  const std::string expected = predict({"--json", "--scores"});
  CHECK(travel("alice.key", "throughput", {"--threads", "1"}) == expected);
  CHECK(travel("alice.key", "throughput", {"--threads", "2"}) == expected);
  CHECK(travel("alice.pub", "throughput", {"--backend", "portable", "--quiet"}) == expected);
}

TEST_CASE("an answer in JSON has the members that programs rely on") {
  const std::vector<std::string> lines = lines_of(predict({"--json", "--scores"}));
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const json answer = json::parse(lines[i]);
    REQUIRE(answer.size() == 5);
    CHECK(answer.at("index") == i);
    CHECK(answer.at("label") == std::to_string(answer.at("class").get<int>()));
    REQUIRE(answer.at("integers").size() == Workshop::kClasses);
    REQUIRE(answer.at("scores").size() == Workshop::kClasses);
    const auto integers = answer.at("integers").get<std::vector<std::int64_t>>();
    const auto scores = answer.at("scores").get<std::vector<double>>();
    const auto best = std::max_element(integers.begin(), integers.end()) - integers.begin();
    CHECK(answer.at("class") == best);
    // Scores are the integers and one number more, times another, which is positive.
    const double scale = (scores[1] - scores[0]) / static_cast<double>(integers[1] - integers[0]);
    CHECK(scale > 0.0);
    CHECK(scores[2] - scores[0] == Approx(scale * static_cast<double>(integers[2] - integers[0])));
  }
  CHECK(json::parse(lines_of(predict({"--json"})).front()).size() == 3);
}

TEST_CASE("people get the same answers as programs, and the accuracy") {
  const std::vector<std::string> programs = lines_of(predict({"--json"}));
  const std::vector<std::string> people = lines_of(predict({"--labels", workshop() / "labels.idx.gz"}));
  REQUIRE(people.size() == programs.size() + 1);
  std::size_t right = 0;
  for (std::size_t i = 0; i < programs.size(); ++i) {
    const json answer = json::parse(programs[i]);
    const int choice = answer.at("class");
    CHECK(people[i] == std::to_string(i) + "\t" + std::to_string(choice) + "\t" + std::to_string(choice));
    if (static_cast<std::size_t>(choice) == (i + 3) % Workshop::kClasses) ++right;
  }
  CHECK(right > 40);  // the network has learnt something
  CHECK(people.back().find("(" + std::to_string(right) + " of 47)") != std::string::npos);
}

TEST_CASE("labels name the classes") {
  const TemporaryFolder folder;
  run_ok({"compile", workshop() / "net.onnx", "--output", folder / "named", "--labels",
          "lying,standing,slanting"});
  const std::string out = run_ok({"predict", "--model", folder / "named.server", "--images",
                                  workshop() / "images.idx", "--range", "2:3"})
                              .out;
  CHECK(out == "0\t2\tslanting\n");
}

TEST_CASE("secret files are for their owner alone") {
  CHECK(permissions(workshop() / "alice.key") == 0600);
  CHECK(permissions(workshop() / "shapes.server") == 0600);
  CHECK((permissions(workshop() / "alice.pub") & 0600) == 0600);
}

TEST_CASE("keygen replaces a key only when told to") {
  const TemporaryFolder folder;
  const std::vector<std::string> keygen = {"keygen", "--bits", "1024", "--output", folder / "bob"};
  const Outcome made = run(keygen);
  CHECK(made.exit_code == 0);
  CHECK(made.err.find("warning") != std::string::npos);
  const auto read = [&](const char* name) {
    std::ifstream file(folder / name);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const std::string before = read("bob.key");
  const Outcome again = run(keygen);
  CHECK(again.exit_code == 1);
  CHECK(again.err.find((folder / "bob.key").string()) != std::string::npos);
  CHECK(read("bob.key") == before);
  std::filesystem::remove(folder / "bob.key");
  CHECK(run(keygen).exit_code == 1);  // bob.pub is still there
  CHECK_FALSE(std::filesystem::exists(folder / "bob.key"));
  std::vector<std::string> force = keygen;
  force.emplace_back("--force");
  CHECK(run(force).exit_code == 0);
  CHECK(read("bob.key") != before);
}

TEST_CASE("inspect says what every file is, and never a secret number") {
  const std::pair<const char*, const char*> kinds[] = {
      {"alice.key", "secret key"},    {"alice.pub", "public key"},      {"net.onnx", "network"},
      {"shapes.server", "server"},    {"shapes.client", "client"},      {"q.query", "query"},
      {"r.reply", "reply"},           {"images.idx", "images (IDX)"},   {"images.idx.gz", "images (IDX)"},
      {"labels.idx", "labels (IDX)"}, {"labels.idx.gz", "labels (IDX)"}};
  for (const auto& [name, kind] : kinds) {
    CAPTURE(name);
    const json fields = json::parse(run_ok({"inspect", "--json", workshop() / name}).out);
    CHECK(fields.at("kind").get<std::string>().find(kind) == 0);
    CHECK(fields.at("bytes") == std::filesystem::file_size(workshop() / name));
    CHECK(run_ok({"inspect", workshop() / name}).out.find(kind) != std::string::npos);
  }
  const json key = json::parse(std::ifstream(workshop() / "alice.key"));
  const std::string shown = run_ok({"inspect", workshop() / "alice.key"}).out;
  for (const char* secret : {"p", "q"}) {
    CHECK(shown.find(key.at(secret).get<std::string>()) == std::string::npos);
  }
}

TEST_CASE("compile reports what it proved and what a query will cost") {
  const TemporaryFolder folder;
  const Outcome outcome =
      run_ok({"compile", workshop() / "net.onnx", "--output", folder / "out", "--input-bits", "6",
              "--weight-bits", "7", "--calibrate-images", workshop() / "images.idx", "--calibrate-labels",
              workshop() / "labels.idx", "--json"});
  const json report = json::parse(outcome.out);
  CHECK(report.at("input_bits") == 6);
  CHECK(report.at("weight_bits") == 7);
  CHECK(report.at("calibration_inputs") == Workshop::kImages);
  CHECK(report.at("agreement") > 0.9);
  REQUIRE(report.at("confusion").size() == 3);
  std::size_t found = 0;
  std::size_t right = 0;
  for (std::size_t t = 0; t < 3; ++t) {
    const auto row = report.at("confusion")[t].at("found").get<std::vector<std::size_t>>();
    REQUIRE(row.size() == 3);
    found += std::accumulate(row.begin(), row.end(), std::size_t{0});
    right += row[t];
  }
  CHECK(found == Workshop::kImages);
  CHECK(report.at("integer_accuracy") == Approx(static_cast<double>(right) / Workshop::kImages));
  const auto margins = report.at("margins").at("inputs").get<std::vector<std::size_t>>();
  CHECK(std::accumulate(margins.begin(), margins.end(), std::size_t{0}) == Workshop::kImages);
  CHECK(report.at("integer_accuracy") > 0.9);
  CHECK(report.at("operators").size() >= 3);
  // 36 inputs of at most 63 times weights of at most 63, and a bias.
  CHECK(report.at("answers_within") > 0);
  CHECK(report.at("largest_error") <= report.at("error_bound"));
  CHECK(report.at("collapse_difference") < 1e-9);
  CHECK(report.at("layouts").size() == 8);
  for (const json& layout : report.at("layouts")) {
    const std::size_t ciphertext = layout.at("key_bits").get<std::size_t>() / 4;
    CAPTURE(layout.dump());
    if (layout.at("layout") == "plain") CHECK(layout.at("bytes_up") >= 36 * ciphertext);
    CHECK(layout.at("bytes_up") > ciphertext);
    CHECK(layout.at("bytes_down") > ciphertext);
    for (const char* time : {"encrypt_ms", "evaluate_ms", "decrypt_ms"}) CHECK(layout.at(time) > 0);
  }
}

TEST_CASE("compile writes a page for people") {
  const TemporaryFolder folder;
  run_ok({"compile", workshop() / "net.onnx", "--output", folder / "<b>&", "--calibrate-images",
          workshop() / "images.idx", "--calibrate-labels", workshop() / "labels.idx", "--input-bits", "1",
          "--weight-bits", "2", "--labels", "lying,standing,<i>", "--report", folder / "out.html"});
  std::ifstream file(folder / "out.html");
  const std::string page(std::istreambuf_iterator<char>(file), {});
  for (const char* part :
       {"<!DOCTYPE html>", "</html>", "Confusion matrix", "Margins", "Layouts", "throughput",
        "integer accuracy", "error bound", "standing", "&lt;i&gt;", "&lt;b&gt;&amp;"}) {
    CAPTURE(part);
    CHECK(page.find(part) != std::string::npos);
  }
  CHECK(page.find("<i>") == std::string::npos);  // names are text, not markup
  std::size_t squares = 0;
  for (std::size_t at = page.find("<rect"); at != std::string::npos; at = page.find("<rect", at + 1))
    ++squares;
  CHECK(squares == Workshop::kClasses * Workshop::kClasses + 40);
  CHECK(page.find("http") == page.find("http://www.w3.org/2000/svg"));  // needs nothing else
}

TEST_CASE("train is repeatable by its seed") {
  const TemporaryFolder folder;
  const auto train = [&](const std::string& seed, const std::string& name) {
    const Outcome outcome = run_ok(
        {"train", "--images", workshop() / "images.idx.gz", "--labels", workshop() / "labels.idx.gz",
         "--hidden", "none", "--epochs", "3", "--seed", seed, "--output", folder / name, "--test-images",
         workshop() / "images.idx", "--test-labels", workshop() / "labels.idx", "--json"});
    CHECK(json::parse(outcome.out).at("layers") == json({36, 3}));
    CHECK(json::parse(outcome.out).at("test_accuracy") >= 0.0);
    std::ifstream file(folder / name, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  CHECK(train("1", "a") == train("1", "b"));
  CHECK(train("1", "c") != train("2", "d"));
}
