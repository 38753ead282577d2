#define CATCH_CONFIG_RUNNER
#include <catch2/catch.hpp>

#include <cstdio>

#include "support/data.h"

// Programs made by opaline_data_test need the data sets as a whole.
int main(int argc, char** argv) {
  if (opaline::test::needs_data() && !opaline::test::have_data()) {
    std::puts("skipped: OPALINE_DATA does not name a folder of data sets");
    return 77;
  }
  return Catch::Session().run(argc, argv);
}
