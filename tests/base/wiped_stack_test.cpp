#include "opaline/base/wiped_stack.h"

#include <catch2/catch.hpp>
#include <stdexcept>
#include <thread>

using namespace opaline;

TEST_CASE("work on a wiped stack is done, in another thread, before the call returns") {
  const auto here = std::this_thread::get_id();
  std::thread::id there;
  int local = 0;
  run_on_wiped_stack([&] {
    there = std::this_thread::get_id();
    volatile char large[500'000];  // NOLINT: what a mebibyte must hold
    large[0] = 1;
    large[sizeof(large) - 1] = 1;
    local = large[0] + large[sizeof(large) - 1];
  });
  CHECK(local == 2);
  CHECK(there != here);
}

TEST_CASE("what the work throws is thrown again") {
  CHECK_THROWS_AS(run_on_wiped_stack([] { throw std::runtime_error("no"); }), std::runtime_error);
}

TEST_CASE("such work may start such work") {
  int depth = 0;
  run_on_wiped_stack([&] { run_on_wiped_stack([&] { depth = 2; }); });
  CHECK(depth == 2);
}
