// Every fuzzer's reader without libFuzzer: on the seeds, on what fuzzing has found before, and on some
// mutations of both, the same ones every time. OPALINE_FUZZ_ROUNDS=100 makes it a hundred times as many.

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>

#include "fuzz/fuzz_target.h"
#include "opaline/base/file.h"
#include "support/fixed_random.h"
#include "support/threads.h"

using namespace opaline;
using namespace opaline::fuzz;

namespace {

constexpr std::size_t kLongestInput = std::size_t{1} << 16;

std::size_t rounds() {
  const char* const text = std::getenv("OPALINE_FUZZ_ROUNDS");
  return text == nullptr ? 1 : std::strtoull(text, nullptr, 10);
}

// Hexadecimal digits say which input it was.
void run(const FuzzTarget& target, const Bytes& input, const std::string& what) {
  test::restart_random(1);
  try {
    target.run(input);
  } catch (const std::exception& finding) {
    FAIL(target.name << ", " << what << ": " << finding.what() << "\n" << to_hex(input));
  }
}

std::vector<Bytes> found_before(const FuzzTarget& target) {
  const std::filesystem::path folder = std::filesystem::path(OPALINE_FUZZ_REGRESSIONS) / target.name;
  std::vector<std::filesystem::path> files;
  if (std::filesystem::exists(folder)) {
    for (const auto& entry : std::filesystem::directory_iterator(folder)) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  std::vector<Bytes> inputs;
  inputs.reserve(files.size());
  for (const auto& file : files) inputs.push_back(read_file(file, kLongestInput));
  return inputs;
}

}  // namespace

TEST_CASE("seeds, earlier findings and their mutations are accepted or refused as promised") {
  const test::Threads one(1);
  for (const FuzzTarget& target : fuzz_targets()) {
    std::vector<Bytes> inputs = target.seeds();
    for (Bytes& input : found_before(target)) inputs.push_back(std::move(input));
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      run(target, inputs[i], "input " + std::to_string(i));
      Bytes changed = inputs[i];
      for (std::size_t round = 0; round < rounds() * target.tried; ++round) {
        const auto seed = static_cast<std::uint32_t>(1 + i * 1'000'003 + round);
        Mutator mutator(seed, blind_change(seed));
        // A few changes on top of each other, then from the start again.
        changed = target.mutate(round % 4 == 0 ? inputs[i] : changed, kLongestInput, mutator);
        run(target, changed, "input " + std::to_string(i) + ", mutation " + std::to_string(round));
      }
    }
  }
}

TEST_CASE("seeds are the same every time") {
  const test::Threads one(1);
  for (const FuzzTarget& target : fuzz_targets()) {
    CAPTURE(target.name);
    CHECK_FALSE(target.seeds().empty());  // keys and tables that are made once have been made now
    test::restart_random(1);
    const std::vector<Bytes> first = target.seeds();
    test::restart_random(1);
    CHECK((target.seeds() == first));
  }
}
