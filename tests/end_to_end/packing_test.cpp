// Layouts, masks and interrupted runs through the command.

#include <sys/resource.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "end_to_end/program.h"
#include "end_to_end/workshop.h"
#include "opaline/base/file.h"
#include "support/temporary_folder.h"

using namespace opaline::test;
using nlohmann::json;

namespace {

/// The largest file that this process and those it starts may write; who writes on is killed (SIGXFSZ).
class FileSizeLimit {
 public:
  explicit FileSizeLimit(std::size_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

// The thread sanitizer maps files of its own, which the limit would cut. Says so where nothing can be tested.
bool can_be_limited() {
#ifdef __has_feature
#if __has_feature(thread_sanitizer)
  WARN("skipped: no limit of file size under the thread sanitizer");
  return false;
#endif
#endif
  return true;
}

Outcome run_limited(std::size_t bytes, const std::vector<std::string>& arguments) {
  const FileSizeLimit limit(bytes);
  return run(arguments);
}

std::string answers(const std::string& reply) {
  return run_ok({"decrypt", "--key", workshop() / "alice.key", "--spec", workshop() / "shapes.client",
                 "--json", "--scores", reply})
      .out;
}

std::string expected_answers() {
  return run_ok({"predict", "--model", workshop() / "shapes.server", "--images", workshop() / "images.idx",
                 "--json", "--scores"})
      .out;
}

}  // namespace

TEST_CASE("killed runs go on where they stopped, and the answers are the same") {
  if (!can_be_limited()) return;
  const Workshop& files = workshop();
  const TemporaryFolder folder;
  const std::vector<std::string> encrypt = {"encrypt",
                                            "--key",
                                            files / "alice.key",
                                            "--spec",
                                            files / "shapes.client",
                                            "--images",
                                            files / "images.idx",
                                            "--layout",
                                            "plain",
                                            "--output",
                                            folder / "q.query"};
  // 60 images in chunks of 36 ciphertexts of 256 bytes: killed beyond half of them.
  constexpr std::size_t kLimit = 340000;
  const Outcome killed = run_limited(kLimit, encrypt);
  CHECK(killed.exit_code == -SIGXFSZ);
  std::vector<std::string> left = listing(folder.path());
  REQUIRE(left.size() == 1);
  CHECK(left.front().rfind("q.query.part-", 0) == 0);
  CHECK(std::filesystem::file_size(folder / left.front()) == kLimit);
  const std::filesystem::file_time_type before = std::filesystem::last_write_time(folder / left.front());
  run_ok(encrypt);
  CHECK(listing(folder.path()) == std::vector<std::string>{"q.query"});
  CHECK(std::filesystem::last_write_time(folder / "q.query") >= before);

  const std::vector<std::string> evaluate = {"evaluate", "--model",          files / "shapes.server",
                                             "--output", folder / "r.reply", folder / "q.query"};
  CHECK(run_limited(30000, evaluate).exit_code == -SIGXFSZ);
  left = listing(folder.path());
  REQUIRE(left.size() == 2);
  CHECK(left.back().rfind("r.reply.part-", 0) == 0);
  run_ok(evaluate);
  CHECK(listing(folder.path()) == std::vector<std::string>{"q.query", "r.reply"});
  CHECK(answers(folder / "r.reply") == expected_answers());
}

TEST_CASE("what a killed run left is kept byte for byte, and not taken for another request") {
  if (!can_be_limited()) return;
  const Workshop& files = workshop();
  const TemporaryFolder folder;
  const auto encrypt = [&](const std::string& range) {
    return std::vector<std::string>{"encrypt",
                                    "--key",
                                    files / "alice.key",
                                    "--spec",
                                    files / "shapes.client",
                                    "--images",
                                    files / "images.idx",
                                    "--layout",
                                    "plain",
                                    "--range",
                                    range,
                                    "--output",
                                    folder / "q.query"};
  };
  CHECK(run_limited(340000, encrypt("0:60")).exit_code == -SIGXFSZ);
  const std::vector<std::string> left = listing(folder.path());
  REQUIRE(left.size() == 1);
  const std::string partial = left.front();
  std::filesystem::copy_file(folder / partial, folder / "kept");
  // Other images: another request, which leaves the first one's part alone.
  run_ok(encrypt("1:60"));
  CHECK(std::filesystem::exists(folder / partial));
  run_ok(encrypt("0:60"));
  CHECK_FALSE(std::filesystem::exists(folder / partial));
  const auto contents = [](const std::filesystem::path& path) {
    const opaline::Bytes bytes = opaline::read_file(path, std::size_t{1} << 24);
    return std::string(bytes.begin(), bytes.end());
  };
  const std::string kept = contents(folder / "kept");
  const std::string whole = contents(folder / "q.query");
  // All but the chunk that was broken off.
  const std::size_t equal =
      static_cast<std::size_t>(std::mismatch(kept.begin(), kept.end(), whole.begin()).first - kept.begin());
  CHECK(equal > kept.size() - 36 * 256 - 200);
}

TEST_CASE("masks are left out only by somebody who says what that means") {
  const TemporaryFolder folder;
  const auto compile = [&](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"compile", workshop() / "net.onnx", "--output", folder / "m",
                                          "--json"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  };
  const Outcome refused = compile({"--mask-bits", "0"});
  CHECK(refused.exit_code == 2);
  CHECK(refused.err.find("--reveal-partial-sums") != std::string::npos);
  CHECK(listing(folder.path()).empty());
  CHECK(compile({"--mask-bits", "129"}).exit_code == 2);
  CHECK(json::parse(compile({}).out).at("mask_bits") == 40);
  CHECK(json::parse(compile({"--mask-bits", "0", "--reveal-partial-sums"}).out).at("mask_bits") == 0);
  const json inspected = json::parse(run_ok({"inspect", "--json", folder / "m.client"}).out);
  CHECK(inspected.at("mask_bits") == 0);
}

TEST_CASE("inspect shows what each objective would choose, and what it takes here") {
  const auto plans = [](const std::vector<std::string>& more) {
    std::vector<std::string> arguments = {"inspect", "--json", "--bits", "1024", "--plan-images", "5"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return json::parse(run_ok(arguments).out);
  };
  for (const char* file : {"shapes.client", "shapes.server"}) {
    const json fields = plans({"--plan", workshop() / file});
    CHECK(fields.at("images") == 5);
    REQUIRE(fields.at("plans").size() == 5);
    for (const json& plan : fields.at("plans")) {
      CHECK(plan.at("encrypt_ms").get<double>() > 0);
      CHECK(plan.at("evaluate_ms").get<double>() > 0);
      CHECK(plan.at("decrypt_ms").get<double>() > 0);
      CHECK(plan.at("bytes_up").get<std::size_t>() > 256);
      CHECK_FALSE(plan.contains("encrypt_ms_measured"));
    }
  }
  const json taken = plans({"--run", workshop() / "shapes.server"});
  for (const json& plan : taken.at("plans")) {
    CHECK(plan.at("encrypt_ms_measured").get<double>() > 0);
    CHECK(plan.at("bytes_up_measured").get<std::size_t>() > 256);
  }
  CHECK(run({"inspect", "--run", workshop() / "shapes.client"}).exit_code == 1);
  CHECK(run({"inspect", "--plan", workshop() / "q.query"}).exit_code == 1);
}

TEST_CASE("encrypt tells the plan it follows") {
  const TemporaryFolder folder;
  const Outcome outcome =
      run_ok({"encrypt", "--key", workshop() / "alice.key", "--spec", workshop() / "shapes.client",
              "--images", workshop() / "images.idx", "--range", "0:1", "--layout", "latency", "--show-plan",
              "--output", folder / "q.query"});
  for (const char* field : {"features a ciphertext", "slot bits", "encrypt ms", "encrypt ms measured"}) {
    CHECK(outcome.out.find(field) != std::string::npos);
  }
  const json query = json::parse(run_ok({"inspect", "--json", folder / "q.query"}).out);
  CHECK(query.at("features_a_ciphertext").get<std::size_t>() >= 1);
  CHECK(query.at("chunks") == 1);
}
