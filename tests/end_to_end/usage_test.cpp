// How the command answers right and wrong usage.

#include <catch2/catch.hpp>
#include <map>

#include "end_to_end/program.h"
#include "end_to_end/workshop.h"
#include "support/temporary_folder.h"

using namespace opaline::test;

namespace {

const std::map<std::string, std::vector<std::string>>& options_of_commands() {
  static const std::map<std::string, std::vector<std::string>> options = {
      {"keygen", {"--bits", "--output", "--force", "--json", "--passphrase", "--passphrase-file"}},
      {"key", {"prove", "passphrase"}},
      {"train",
       {"--images", "--labels", "--hidden", "--features", "--epochs", "--batch", "--learning-rate",
        "--validation", "--seed", "--output", "--test-images", "--test-labels", "--csv", "--label-column",
        "--target-column", "--ignore-columns", "--test-csv", "--folds", "--weight-penalty"}},
      {"compile",
       {"--output",
        "--input-bits",
        "--weight-bits",
        "--input-range",
        "--features",
        "--pixel-scale",
        "--mean",
        "--std",
        "--labels",
        "--calibrate-images",
        "--calibrate-labels",
        "--agreement",
        "--json",
        "--mask-bits",
        "--reveal-partial-sums",
        "--drop-unused-inputs",
        "--calibrate-csv",
        "--label-column",
        "--ignore-columns",
        "--report",
        "--weight-scales",
        "--beyond",
        "--task"}},
      {"encrypt",
       {"--key", "--spec", "--images", "--image", "--csv", "--ignore-columns", "--range", "--layout",
        "--link-mbps", "--show-plan", "--noise", "--output", "--passphrase-file",
        "--allow-insecure-key-file"}},
      {"evaluate", {"--model", "--output"}},
      {"decrypt",
       {"--key", "--spec", "--labels", "--label-column", "--json", "--scores", "--passphrase-file",
        "--allow-insecure-key-file"}},
      {"predict",
       {"--model", "--images", "--image", "--csv", "--ignore-columns", "--labels", "--label-column",
        "--range", "--json", "--scores"}},
      {"inspect",
       {"--passphrase-file", "--allow-insecure-key-file", "--json", "--plan", "--run", "--plan-images",
        "--bits", "--link-mbps"}},
      {"classify",
       {"--key",
        "--passphrase-file",
        "--allow-insecure-key-file",
        "--server",
        "--model",
        "--model-id",
        "--token-file",
        "--ca-file",
        "--allow-plain-http",
        "--attempts",
        "--timeout",
        "--batch",
        "--images",
        "--image",
        "--csv",
        "--ignore-columns",
        "--range",
        "--labels",
        "--label-column",
        "--json",
        "--scores",
        "--layout",
        "--link-mbps"}},
      {"import", {"--output", "--key", "--spec", "--force"}},
      {"export", {"--output", "--key", "--spec"}},
      {"number", {"encrypt", "decrypt"}},
      {"demo", {"--bits", "--model", "--spec", "--images", "--labels", "--demo-folder"}}};
  return options;
}

}  // namespace

TEST_CASE("help lists the commands, and every command's help its options and an example") {
  const Outcome all = run({"--help"});
  CHECK(all.exit_code == 0);
  for (const char* common : {"--threads", "--backend", "--quiet", "--version"}) {
    CHECK(all.out.find(common) != std::string::npos);
  }
  for (const auto& [command, options] : options_of_commands()) {
    CAPTURE(command);
    CHECK(all.out.find("\n  " + command + " ") != std::string::npos);
    const Outcome help = run({command, "--help"});
    CHECK(help.exit_code == 0);
    CHECK(help.err.empty());
    CHECK(help.out.find("opaline " + command) != std::string::npos);
    CHECK(help.out.find("xample") != std::string::npos);
    for (const std::string& option : options) {
      CAPTURE(option);
      CHECK(help.out.find(option) != std::string::npos);
    }
  }
  CHECK(run({"keygen", "--help"}).out.find("3072") != std::string::npos);
}

TEST_CASE("the version is one line") {
  const Outcome outcome = run({"--version"});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out == "opaline " OPALINE_VERSION "\n");
}

TEST_CASE("wrong usage is exit code 2, one line, and no file") {
  const Workshop& files = workshop();
  const TemporaryFolder folder;
  const std::string out = folder / "out";
  const std::vector<std::string> encrypt = {"encrypt",
                                            "--key",
                                            files / "alice.key",
                                            "--spec",
                                            files / "shapes.client",
                                            "--images",
                                            files / "images.idx",
                                            "--output",
                                            out};
  const auto with = [](std::vector<std::string> arguments, const std::vector<std::string>& more) {
    arguments.insert(arguments.end(), more.begin(), more.end());
    return arguments;
  };
  const std::vector<std::string> train = {
      "train", "--images", files / "images.idx", "--labels", files / "labels.idx", "--output", out};
  const std::vector<std::string> compile = {"compile", files / "net.onnx", "--output", out};
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"frobnicate"},
      {"--frobnicate"},
      {"keygen"},
      {"keygen", "--output", out, "extra"},
      {"keygen", "--output", out, "--bits", "1000"},
      {"keygen", "--output", out, "--bits", "2049"},
      {"keygen", "--output", out, "--bits", "9000"},
      {"keygen", "--output", out, "--bits", "-3072"},
      {"keygen", "--output", out, "--bits", "many"},
      {"keygen", "--output", out, "--bits"},
      {"keygen", "--output", out, "--threads", "0"},
      {"keygen", "--output", out, "--threads", "two"},
      {"serve"},
      {"number"},
      {"number", "encrypt", "--key", files / "alice.pub", "--output", out},
      {"import", files / "alice.pub"},
      {"import", files / "alice.pub", "--output", out, "--key", files / "alice.key"},
      {"export", files / "q.query", "--output", out},
      {"export", files / "r.reply", "--output", out, "--spec", files / "shapes.client"},
      {"key"},
      {"key", "frobnicate"},
      {"key", "prove"},
      {"key", "passphrase"},
      {"key", "passphrase", files / "alice.key", "--remove", "--new-passphrase-file", out},
      {"keygen", "--output", out, "--passphrase", "--passphrase-file", "word"},
      {"evaluate", "--model", files / "shapes.server", "--output", out},
      with(encrypt, {"--range", "5"}),
      with(encrypt, {"--range", "5:2"}),
      with(encrypt, {"--range", "5:5"}),
      with(encrypt, {"--range", "-1:4"}),
      with(encrypt, {"--range", "0:99999999999999999999999"}),
      with(encrypt, {"--layout", "sideways"}),
      with(encrypt, {"--noise", "none"}),
      with(encrypt, {"--csv", "table.csv"}),
      with(train, {"--hidden", "12,,3"}),
      with(train, {"--hidden", "0"}),
      with(train, {"--features", "edges"}),
      with(train, {"--features", "gradients", "--hidden", "5"}),
      with(train, {"--features", "gradients", "--batch", "5"}),
      with(train, {"--csv", "table.csv"}),
      with(train, {"--label-column", "a"}),
      with(train, {"--folds", "5"}),
      with(train, {"--folds", "1", "--features", "gradients"}),
      {"train", "--output", out},
      {"train", "--images", files / "images.idx", "--output", out},
      {"train", "--csv", "table.csv", "--output", out},
      {"train", "--csv", "table.csv", "--label-column", "a", "--target-column", "b", "--output", out},
      {"train", "--csv", "table.csv", "--label-column", "a", "--labels", "l", "--output", out},
      {"train", "--csv", "table.csv", "--label-column", "a", "--hidden", "5", "--output", out},
      {"train", "--csv", "table.csv", "--label-column", "a", "--features", "gradients", "--output", out},
      {"train", "--csv", "table.csv", "--label-column", "a", "--test-images", "i", "--output", out},
      {"train", "--csv", "table.csv", "--label-column", "a", "--test-labels", "l", "--output", out},
      {"train", "--csv", "table.csv", "--labels", "l", "--test-csv", "t", "--output", out},
      with(train, {"--epochs", "0"}),
      with(train, {"--learning-rate", "-1"}),
      with(train, {"--test-images", files / "images.idx"}),
      with(compile, {"--input-bits", "17"}),
      with(compile, {"--weight-bits", "1"}),
      with(compile, {"--slot-bits", "1"}),
      with(compile, {"--input-range", "1:0"}),
      with(compile, {"--input-range", "0:nan"}),
      with(compile, {"--std", "0"}),
      with(compile, {"--labels", "a,,c"}),
      with(compile, {"--calibrate-labels", files / "labels.idx"}),
      with(compile, {"--calibrate-images", files / "images.idx", "--calibrate-csv", files / "t.csv"}),
      with(compile, {"--input-range", "0:1", "--input-ranges", files / "t.csv"}),
      with(compile, {"--features", "sift"}),
      with(compile, {"--weight-scales", "none"}),
      with(compile, {"--beyond", "guess"}),
      with(compile, {"--task", "clustering"}),
      {"demo", "--bits", "512"},
      {"demo", "--demo-folder", folder / "nowhere"}};
  for (const auto& arguments : wrong) {
    CAPTURE(arguments);
    const Outcome outcome = run(arguments);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.out.empty());
    REQUIRE(lines_of(outcome.err).size() == 1);
    CHECK(outcome.err.rfind("opaline: ", 0) == 0);
    CHECK(outcome.err.find("--help") != std::string::npos);
    CHECK(listing(folder.path()).empty());
  }
}

TEST_CASE("a value that there is not is refused with those that there are") {
  const Outcome outcome =
      run({"train", "--images", "i", "--labels", "l", "--output", "o", "--features", "edges"});
  CHECK(outcome.exit_code == 2);
  CHECK(outcome.err.find("gradients-cosine") != std::string::npos);
}

TEST_CASE("common options stand before or after the command") {
  const std::string file = workshop() / "alice.pub";
  const Outcome before = run({"--threads", "1", "--quiet", "--backend", "portable", "inspect", file});
  const Outcome after = run({"inspect", file, "--threads", "1", "--quiet", "--backend", "portable"});
  CHECK(before.exit_code == 0);
  CHECK(after.exit_code == 0);
  CHECK(before.out == after.out);
}

TEST_CASE("an unknown backend is an error, never a silent fallback") {
  for (const Outcome& outcome : {run({"inspect", workshop() / "alice.pub", "--backend", "abacus"}),
                                 run({"inspect", workshop() / "alice.pub"}, {"OPALINE_BACKEND=abacus"})}) {
    CHECK(outcome.exit_code == 1);
    CHECK(outcome.out.empty());
    REQUIRE(lines_of(outcome.err).size() == 1);
    CHECK(outcome.err.find("abacus") != std::string::npos);
    CHECK(outcome.err.find("portable") != std::string::npos);
  }
  CHECK(run({"inspect", workshop() / "alice.pub"}, {"OPALINE_BACKEND=portable"}).exit_code == 0);
}

TEST_CASE("numbers may be negative and intervals too") {
  const TemporaryFolder folder;
  const Outcome outcome = run({"compile", workshop() / "net.onnx", "--output", folder / "out", "--mean",
                               "-0.5", "--std", "0.25", "--input-range", "-2:6.5", "--json"});
  CHECK(outcome.err.empty());
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out.find("\"input_range\":[-2.0,6.5]") != std::string::npos);
}
