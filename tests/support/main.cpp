#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include <cstdio>

#include "support/needs.h"

int main(int argc, char** argv) {
  if (const char* const missing = opaline::test::what_is_missing(); missing != nullptr) {
    std::printf("skipped: %s\n", missing);
    return 77;
  }
  return Catch::Session().run(argc, argv);
}
