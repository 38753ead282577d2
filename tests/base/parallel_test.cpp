#include "opaline/base/parallel.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "support/error_kind.h"
#include "support/threads.h"

using namespace opaline;
using opaline::test::error_of;
using opaline::test::Threads;

TEST_CASE("every index is visited once") {
  for (const int threads : {1, 2, 3, 8}) {
    const Threads scope(threads);
    for (const std::size_t count : {0U, 1U, 2U, 7U, 1000U}) {
      std::vector<std::atomic<int>> visits(count);
      parallel_for(count, [&](std::size_t i) { ++visits[i]; });
      for (const auto& n : visits) CHECK(n == 1);
    }
  }
}

TEST_CASE("an exception comes out, once all have stopped") {
  for (const int threads : {1, 4}) {
    const Threads scope(threads);
    std::atomic<int> running = 0;
    const auto error = error_of([&] {
      parallel_for(100, [&](std::size_t i) {
        ++running;
        if (i == 37) {
          --running;
          throw Error(ErrorKind::fault, "at 37");
        }
        --running;
      });
    });
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::fault);
    CHECK(std::string(error->what()) == "at 37");
    CHECK(running == 0);
  }
}

TEST_CASE("of many exceptions that of the lowest place comes out, whoever was first") {
  for (const int threads : {1, 4}) {
    const Threads scope(threads);
    const auto late_at_three = [](std::size_t i) {
      if (i < 3) return;
      if (i == 3) std::this_thread::sleep_for(std::chrono::milliseconds(20));
      throw Error(ErrorKind::io, "at " + std::to_string(i));
    };
    const auto error = error_of([&] { parallel_for(50, late_at_three); });
    REQUIRE(error);
    CHECK(std::string(error->what()) == "at 3");
    const auto error_beside_idling = error_of([&] { parallel_for(50, late_at_three, [] {}); });
    REQUIRE(error_beside_idling);
    CHECK(std::string(error_beside_idling->what()) == "at 3");
  }
}

TEST_CASE("inside itself it runs serially, and an exception still comes out") {
  const Threads scope(3);
  std::vector<std::atomic<int>> visits(12);
  std::atomic<bool> serial = true;
  parallel_for(3, [&](std::size_t i) {
    const int thread = omp_get_ancestor_thread_num(1);
    parallel_for(4, [&](std::size_t j) {
      if (omp_get_num_threads() != 1 || omp_get_ancestor_thread_num(1) != thread) serial = false;
      ++visits[4 * i + j];
    });
  });
  CHECK(serial);
  for (const auto& n : visits) CHECK(n == 1);
  CHECK(error_of([] {
    parallel_for(3, [](std::size_t) {
      parallel_for(3, [](std::size_t j) {
        if (j == 1) throw Error(ErrorKind::damaged, "inside");
      });
    });
  }));
}

TEST_CASE("threads with nothing left to do are idle until the others are done, a single one never") {
  for (const int threads : {1, 3}) {
    const Threads scope(threads);
    std::atomic<int> done = 0;
    std::atomic<int> idle = 0;
    parallel_for(
        2,
        [&](std::size_t) {
          // The first to come waits until somebody has been idle.
          for (int i = 0; threads > 1 && idle == 0 && i < 100000; ++i) {
            std::this_thread::sleep_for(std::chrono::microseconds(100));
          }
          ++done;
        },
        [&] { ++idle; });
    CHECK(done == 2);
    CHECK((idle > 0) == (threads > 1));
  }
}

TEST_CASE("what is thrown by a body or by idling comes out") {
  const Threads scope(2);
  const auto body_error = error_of([] {
    parallel_for(
        3, [](std::size_t) { throw Error(ErrorKind::io, "body"); }, [] {});
  });
  REQUIRE(body_error);
  CHECK(body_error->kind() == ErrorKind::io);
  std::atomic<bool> thrown = false;
  const auto idle_error = error_of([&] {
    parallel_for(
        1,
        [&](std::size_t) {
          for (int i = 0; !thrown && i < 100000; ++i) {
            std::this_thread::sleep_for(std::chrono::microseconds(100));
          }
        },
        [&] {
          thrown = true;
          throw Error(ErrorKind::damaged, "idle");
        });
  });
  REQUIRE(idle_error);
  CHECK(idle_error->kind() == ErrorKind::damaged);
}
