#include <cstdio>
#include <exception>
#include <string_view>
#include <thread>
#include <vector>

#include "opaline/bigint/backend.h"
#include "support/needs.h"

// Faults in memory that kernels read and write: a sanitizer has to report them though the kernels are not
// instrumented here (kernels/announce.h). ctest looks for its report.

using namespace opaline;

int main(int argc, char** argv) try {
  if (const char* const missing = test::what_is_missing(); missing != nullptr) {
    std::printf("skipped: %s\n", missing);
    return 77;
  }
  const std::string_view fault = argc == 2 ? argv[1] : "";
  const auto f = uniform_arithmetic(backend("avx512ifma"), (Integer(1) << 1023) + 7);
  const WordVector x(f->words());
  WordVector r(f->words());
  WordVector short_of_a_word(f->words() - 1);
  if (fault == "none") {
    f->mul(r.data(), x.data(), x.data());
    std::puts("nothing to report");
  } else if (fault == "short_operand") {
    f->mul(r.data(), x.data(), short_of_a_word.data());
  } else if (fault == "short_result") {
    f->mul(short_of_a_word.data(), x.data(), x.data());
  } else if (fault == "race") {
    std::thread other([&] { f->mul(r.data(), x.data(), x.data()); });
    f->mul(r.data(), x.data(), x.data());
    other.join();
  } else {
    std::fputs("usage: planted_faults none|short_operand|short_result|race\n", stderr);
    return 2;
  }
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
