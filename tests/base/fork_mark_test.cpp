#include "opaline/base/fork_mark.h"

#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

using opaline::ForkMark;

namespace {

template <typename Condition>
bool true_in_child(const Condition& condition) {
  const pid_t child = fork();
  if (child == 0) _exit(condition() ? 0 : 1);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return status == 0;
}

}  // namespace

TEST_CASE("a mark is set where it was made and not in a forked process, until that sets its own") {
  ForkMark mark;
  CHECK(mark.is_set());
  CHECK(true_in_child([&] { return !mark.is_set(); }));
  CHECK(true_in_child([&] {
    mark.set();
    return mark.is_set() && true_in_child([&] { return !mark.is_set(); });
  }));
  CHECK(mark.is_set());
}
