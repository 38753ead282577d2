#include "hostile/refusal.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>

#include "end_to_end/program.h"
#include "end_to_end/workshop.h"
#include "opaline/base/file.h"
#include "support/temporary_folder.h"

namespace opaline::test {
namespace {

constexpr std::size_t kLargestFile = std::size_t{1} << 20;
// Far less than what the files claim to need; a sanitizer's own share is within it.
constexpr std::size_t kModestKilobytes = std::size_t{400} << 10;

Outcome run_on(const Reader& reader, const std::string& bad_file, const std::string& output) {
  std::vector<std::string> words = reader.command;
  for (std::string& word : words) {
    if (word == kBadFile) word = bad_file;
    if (word == kOutput) word = output;
  }
  return run(words);
}

std::string check_refusal(const Outcome& outcome, const std::string& bad_file) {
  CHECK(outcome.exit_code == 1);
  CHECK(outcome.out.empty());
  CHECK(lines_of(outcome.err).size() == 1);
  CHECK(outcome.err.rfind("opaline: ", 0) == 0);
  CHECK(outcome.err.find(bad_file) != std::string::npos);
  CHECK(outcome.peak_kilobytes < kModestKilobytes);
  return outcome.err;
}

}  // namespace

const std::vector<Reader>& readers() {
  static const std::vector<Reader> all = [] {
    const Workshop& files = workshop();
    const auto encrypt = [&](const std::string& key, const std::string& spec, const std::string& images) {
      return std::vector<std::string>{"encrypt", "--key",   key,   "--spec",   spec,   "--images",
                                      images,    "--range", "0:2", "--output", kOutput};
    };
    const std::string key = files / "alice.key";
    const std::string spec = files / "shapes.client";
    const std::string images = files / "images.idx";
    return std::vector<Reader>{
        {"alice.key", {"decrypt", "--key", kBadFile, "--spec", spec, files / "r.reply"}},
        {"alice.key", encrypt(kBadFile, spec, images)},
        {"alice.pub", encrypt(kBadFile, spec, images)},
        {"net.onnx", {"compile", kBadFile, "--output", kOutput}},
        {"shapes.server", {"evaluate", "--model", kBadFile, "--output", kOutput, files / "q.query"}},
        {"shapes.client", encrypt(key, kBadFile, images)},
        {"q.query", {"evaluate", "--model", files / "shapes.server", "--output", kOutput, kBadFile}},
        {"r.reply", {"decrypt", "--key", key, "--spec", spec, kBadFile}},
        {"images.idx", encrypt(key, spec, kBadFile)},
        {"images.idx.gz", encrypt(key, spec, kBadFile)},
        {"labels.idx",
         {"train", "--images", images, "--labels", kBadFile, "--epochs", "1", "--output", kOutput}},
        {"labels.idx.gz",
         {"train", "--images", images, "--labels", kBadFile, "--epochs", "1", "--output", kOutput}}};
  }();
  return all;
}

Bytes sound_file(const std::string& name) { return read_file(workshop() / name, kLargestFile); }

std::string check_refused(const Reader& reader, const std::string& bad_file) {
  const TemporaryFolder folder;
  std::string line = check_refusal(run_on(reader, bad_file, folder / "out"), bad_file);
  CHECK(folder.empty());
  return line;
}

std::string check_refused(const Reader& reader, ByteView contents) {
  const TemporaryFolder folder;
  write_file(folder / reader.file, contents, FileMode::owner_only);
  return check_refused(reader, (folder / reader.file).string());
}

bool ends_well(const Reader& reader, ByteView contents) {
  const TemporaryFolder folder;
  const TemporaryFolder outputs;
  const std::string bad_file = folder / reader.file;
  write_file(bad_file, contents, FileMode::owner_only);
  const Outcome outcome = run_on(reader, bad_file, outputs / "out");
  if (outcome.exit_code == 0) {
    CHECK(outcome.err.empty());
    return false;
  }
  check_refusal(outcome, bad_file);
  CHECK(outputs.empty());
  return true;
}

}  // namespace opaline::test
