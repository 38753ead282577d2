#include "opaline/base/progress.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <cstdlib>
#include <string>

using namespace opaline;

namespace {

/// Standard error put elsewhere for the time of a scope.
class StandardError {
 public:
  explicit StandardError(int replacement) : before_(::dup(STDERR_FILENO)) {
    std::fflush(stderr);
    ::dup2(replacement, STDERR_FILENO);
  }
  StandardError(const StandardError&) = delete;
  StandardError& operator=(const StandardError&) = delete;
  ~StandardError() {
    std::fflush(stderr);
    ::dup2(before_, STDERR_FILENO);
    ::close(before_);
  }

 private:
  int before_;
};

void show_progress(ProgressBar::Output output) {
  ProgressBar bar("count", 4, output);
  bar.update(1);
  bar.note("a note");
  bar.update(9);  // beyond the total is the total
}

std::string read_what_is_there(int descriptor) {
  ::fcntl(descriptor, F_SETFL, O_NONBLOCK);
  std::string text;
  std::array<char, 4096> buffer{};
  for (ssize_t got = 0; (got = ::read(descriptor, buffer.data(), buffer.size())) > 0;) {
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return text;
}

std::string drawn_on_a_terminal(ProgressBar::Output output) {
  const int terminal = ::posix_openpt(O_RDWR | O_NOCTTY);
  REQUIRE(terminal >= 0);
  REQUIRE(::grantpt(terminal) == 0);
  REQUIRE(::unlockpt(terminal) == 0);
  const int other_end = ::open(::ptsname(terminal), O_RDWR | O_NOCTTY);  // NOLINT(concurrency-mt-unsafe)
  REQUIRE(other_end >= 0);
  {
    const StandardError scope(other_end);
    show_progress(output);
  }
  std::string text = read_what_is_there(terminal);
  ::close(other_end);
  ::close(terminal);
  return text;
}

std::string drawn_on_a_pipe(ProgressBar::Output output) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  {
    const StandardError scope(ends[1]);
    show_progress(output);
  }
  std::string text = read_what_is_there(ends[0]);
  ::close(ends[0]);
  ::close(ends[1]);
  return text;
}

}  // namespace

TEST_CASE("a terminal shows the share that is done") {
  const std::string text = drawn_on_a_terminal(ProgressBar::Output::terminal);
  CHECK(text.find("count") != std::string::npos);
  CHECK(text.find(" 25 %") != std::string::npos);
  CHECK(text.find("100 %") != std::string::npos);
  CHECK(text.find("a note") != std::string::npos);
}

TEST_CASE("a silent bar draws nothing, and nothing is drawn on what is no terminal") {
  CHECK(drawn_on_a_terminal(ProgressBar::Output::silent).empty());
  CHECK(drawn_on_a_pipe(ProgressBar::Output::silent).empty());
  CHECK(drawn_on_a_pipe(ProgressBar::Output::terminal).empty());
}

TEST_CASE("a bar over nothing can be made") {
  const ProgressBar bar("nothing", 0, ProgressBar::Output::silent);
  SUCCEED();
}
