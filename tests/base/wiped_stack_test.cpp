#include "opaline/base/wiped_stack.h"

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <catch2/catch.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <thread>

#include "opaline/base/parallel.h"
#include "support/memory_map.h"
#include "support/sanitizers.h"

using namespace opaline;
using opaline::test::MemoryMap;

namespace {

constexpr std::uint8_t kMark = 0xa7;

/// Fills a large frame, and says where it lay.
[[gnu::noinline]] void fill_stack(std::uintptr_t& where) {
  volatile std::uint8_t frame[200'000];  // NOLINT: what the kernels need
  for (volatile std::uint8_t& byte : frame) byte = kMark;
  where = reinterpret_cast<std::uintptr_t>(&frame[0]);
}

/// How much of the frame is still there. Reads what nobody owns any more, on purpose.
[[gnu::noinline]] std::size_t marks_left(std::uintptr_t frame) {
  const auto* const bytes = reinterpret_cast<const volatile std::uint8_t*>(frame);
  std::size_t left = 0;
  for (std::size_t i = 0; i < 200'000; ++i) left += bytes[i] == kMark ? 1U : 0U;
  return left;
}

}  // namespace

TEST_CASE("work on a secret stack is done by this thread, and has a result") {
  const auto here = std::this_thread::get_id();
  CHECK_FALSE(is_on_secret_stack());
  const int result = on_secret_stack([&] {
    CHECK(std::this_thread::get_id() == here);
    CHECK(is_on_secret_stack());
    return on_secret_stack([&] { return 3; }) + on_secret_stack([&] { return 4; });
  });
  CHECK(result == 7);
  CHECK_FALSE(is_on_secret_stack());
  const auto moved = on_secret_stack([] { return std::make_unique<int>(5); });
  CHECK(*moved == 5);
}

TEST_CASE("what the work throws is thrown again, and the next work is done as ever") {
  for (int i = 0; i < 3; ++i) {
    CHECK_THROWS_AS(on_secret_stack([] { throw std::runtime_error("no"); }), std::runtime_error);
    CHECK_FALSE(is_on_secret_stack());
    CHECK_THROWS_AS(on_secret_stack([] {
                      parallel_for(8, [](std::size_t at) {
                        if (at > 2) throw std::runtime_error("no");
                      });
                    }),
                    std::runtime_error);
  }
  CHECK(on_secret_stack([] { return true; }));
}

TEST_CASE("a secret stack is left out of core dumps and wiped, an ordinary one is neither") {
  if (test::kSanitized) {
    WARN("not under sanitizers, which keep the ordinary stack");
    return;
  }
  std::uintptr_t ordinary = 0;
  fill_stack(ordinary);
  CHECK_FALSE(MemoryMap().is_left_out_of_dumps(reinterpret_cast<const void*>(ordinary)));
  std::uintptr_t frame = 0;
  bool was_there = false;
  on_secret_stack([&] {
    fill_stack(frame);
    was_there = marks_left(frame) > 100'000;
  });
  CHECK(was_there);
  CHECK(marks_left(frame) == 0);
  CHECK(MemoryMap().is_left_out_of_dumps(reinterpret_cast<const void*>(frame)));
}

TEST_CASE("threads that help are on secret stacks of their own, which are wiped too") {
  constexpr std::size_t kTasks = 64;
  std::atomic<std::size_t> outside = 0;
  std::array<std::uintptr_t, kTasks> frames{};
  std::array<std::thread::id, kTasks> threads;
  on_secret_stack([&] {
    parallel_for(kTasks, [&](std::size_t i) {
      outside += is_on_secret_stack() ? 0U : 1U;
      fill_stack(frames[i]);
      threads[i] = std::this_thread::get_id();
    });
  });
  CHECK(outside == 0);
  if (!test::kSanitized) {
    const MemoryMap map;
    for (const std::uintptr_t frame : frames) {
      CHECK(marks_left(frame) == 0);
      CHECK(map.is_left_out_of_dumps(reinterpret_cast<const void*>(frame)));
    }
  }
  const auto others = std::count_if(threads.begin(), threads.end(),
                                    [](const auto& id) { return id != std::this_thread::get_id(); });
  if (omp_get_max_threads() > 1) CHECK(others > 0);
  parallel_for(kTasks, [&](std::size_t) { outside += is_on_secret_stack() ? 1U : 0U; });
  CHECK(outside == 0);
}

TEST_CASE("the last of several loops has idle threads on secret stacks as well") {
  std::atomic<std::size_t> outside = 0;
  on_secret_stack([&] {
    parallel_for(
        2, [&](std::size_t) { outside += is_on_secret_stack() ? 0U : 1U; },
        [&] { outside += is_on_secret_stack() ? 0U : 1U; });
  });
  CHECK(outside == 0);
}

TEST_CASE("work in a secret thread is done, in another thread, before the call returns") {
  const auto here = std::this_thread::get_id();
  std::thread::id there;
  int local = 0;
  bool secret = false;
  run_in_secret_thread([&] {
    there = std::this_thread::get_id();
    secret = is_on_secret_stack();
    volatile char large[500'000];  // NOLINT: what a mebibyte must hold
    large[0] = 1;
    large[sizeof(large) - 1] = 1;
    local = large[0] + large[sizeof(large) - 1];
  });
  CHECK(local == 2);
  CHECK(there != here);
  CHECK(secret);
  CHECK_FALSE(is_on_secret_stack());
}

TEST_CASE("what the work in a secret thread throws is thrown again") {
  CHECK_THROWS_AS(run_in_secret_thread([] { throw std::runtime_error("no"); }), std::runtime_error);
}

TEST_CASE("such work may start such work") {
  int depth = 0;
  run_in_secret_thread([&] { run_in_secret_thread([&] { on_secret_stack([&] { depth = 3; }); }); });
  CHECK(depth == 3);
}
