#include "hostile/attacks/other_process.h"

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

#include "support/threads.h"

namespace opaline::test {
namespace {

std::vector<Integer> in_child(std::size_t width, const std::function<std::vector<Integer>()>& action) {
  int ends[2] = {};
  if (::pipe(ends) != 0) throw std::runtime_error("no pipe");
  const pid_t child = ::fork();
  if (child == 0) {
    const Threads threads(1);
    try {
      Bytes bytes;
      for (const Integer& number : action()) {
        const Bytes one = to_bytes(number, width);
        bytes.insert(bytes.end(), one.begin(), one.end());
      }
      const ssize_t written = ::write(ends[1], bytes.data(), bytes.size());
      ::_exit(written == static_cast<ssize_t>(bytes.size()) ? 0 : 1);
    } catch (...) {
      ::_exit(1);
    }
  }
  ::close(ends[1]);
  std::vector<Integer> numbers;
  Bytes bytes(width);
  std::size_t filled = 0;
  for (ssize_t got = 1; got > 0;) {
    got = ::read(ends[0], bytes.data() + filled, width - filled);
    if (got > 0) filled += static_cast<std::size_t>(got);
    if (filled < width) continue;
    numbers.push_back(from_bytes(bytes));
    filled = 0;
  }
  ::close(ends[0]);
  int status = 0;
  if (child < 0 || ::waitpid(child, &status, 0) != child || status != 0 || filled != 0) {
    throw std::runtime_error("a forked process failed");
  }
  return numbers;
}

bool enter_container() {
  return ::unshare(CLONE_NEWPID) == 0 || ::unshare(CLONE_NEWUSER | CLONE_NEWPID) == 0;
}

}  // namespace

std::vector<Integer> in_forked_process(std::size_t width,
                                       const std::function<std::vector<Integer>()>& action) {
  return in_child(width, action);
}

std::vector<Integer> in_first_process(std::size_t width,
                                      const std::function<std::vector<Integer>()>& action) {
  // A process that enters a container has its next child there as number 1, and stays outside itself.
  const bool is_first = ::getpid() == 1;
  if (is_first) {
    if (!enter_container()) throw std::runtime_error("no container within a container");
    return in_child(width, action);
  }
  return in_child(width, [&] {
    if (!enter_container()) throw std::runtime_error("no container");
    return in_child(width, action);
  });
}

bool can_make_containers() {
  try {
    const auto number = [] { return std::vector<Integer>{Integer(::getpid())}; };
    const std::vector<Integer> numbers = in_first_process(4, [&] {
      std::vector<Integer> own = number();
      own.push_back(in_first_process(4, number).front());
      return own;
    });
    return numbers == std::vector<Integer>{1, 1};
  } catch (const std::runtime_error&) {
    return false;
  }
}

}  // namespace opaline::test
