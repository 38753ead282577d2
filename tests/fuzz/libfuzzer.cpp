// The program that libFuzzer drives: opaline_fuzz --target=NAME [libFuzzer's options] [CORPUS...],
// opaline_fuzz --list, opaline_fuzz --seeds=FOLDER. tools/fuzz.sh runs it.

#include <omp.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>
#include <string_view>

#include "fuzz/fuzz_target.h"
#include "opaline/base/file.h"
#include "support/fixed_random.h"

using namespace opaline;
using namespace opaline::fuzz;

// Names and shapes are libFuzzer's.
// NOLINTBEGIN(readability-identifier-naming)
extern "C" {
std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t limit);
int LLVMFuzzerInitialize(int* count, char*** arguments);
int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t limit, unsigned seed);
}
// NOLINTEND(readability-identifier-naming)

namespace {

const FuzzTarget* chosen = nullptr;

void change_by_libfuzzer(Bytes& bytes, std::size_t limit) {
  const std::size_t size = std::min(bytes.size(), limit);
  bytes.resize(std::max(limit, std::size_t{1}));
  bytes.resize(LLVMFuzzerMutate(bytes.data(), size, bytes.size()));
}

void write_seeds(const std::filesystem::path& folder) {
  for (const FuzzTarget& target : fuzz_targets()) {
    std::filesystem::create_directories(folder / target.name);
    std::size_t number = 0;
    for (const Bytes& seed : target.seeds()) {
      write_file(folder / target.name / ("seed" + std::to_string(number++)), seed, FileMode::everyone);
    }
  }
}

[[noreturn]] void list_targets(std::FILE* out, int status) {
  for (const FuzzTarget& target : fuzz_targets()) std::fprintf(out, "%s\n", target.name.c_str());
  std::exit(status);
}

}  // namespace

int LLVMFuzzerInitialize(int* count, char*** arguments) {
  ::omp_set_num_threads(1);  // the same input takes the same way every time
  constexpr std::string_view kTarget = "--target=";
  constexpr std::string_view kSeeds = "--seeds=";
  for (int i = 1; i < *count; ++i) {
    const std::string_view argument = (*arguments)[i];
    if (argument == "--list") list_targets(stdout, 0);
    if (argument.starts_with(kTarget)) chosen = find_target(std::string(argument.substr(kTarget.size())));
    if (argument.starts_with(kSeeds)) {
      write_seeds(argument.substr(kSeeds.size()));
      std::exit(0);
    }
  }
  if (chosen == nullptr) {
    std::fputs("opaline_fuzz: say --target=NAME, one of:\n", stderr);
    list_targets(stderr, 2);
  }
  return 0;
}

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  test::restart_random(1);
  chosen->run({data, size});
  return 0;
}

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t limit, unsigned seed) {
  Mutator mutator(seed, change_by_libfuzzer);
  Bytes changed = chosen->mutate({data, data + size}, limit, mutator);
  if (changed.size() > limit) changed.resize(limit);
  std::copy(changed.begin(), changed.end(), data);
  return changed.size();
}
