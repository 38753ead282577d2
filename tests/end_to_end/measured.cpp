// Runs a command and writes how it ended (wait's status) and the most memory it held (kilobytes) to a file:
//   measured RESULT COMMAND [ARGUMENT...]
// A program of its own because Linux counts the memory of the process that a command was started from as the
// command's (exec keeps the old image's peak), and a test program may have held far more than the command
// does.

#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>

int main(int count, char** words) {
  if (count < 3) return 2;
  pid_t child = 0;
  if (::posix_spawn(&child, words[2], nullptr, nullptr, words + 2, ::environ) != 0) return 2;
  int status = 0;
  rusage usage{};
  if (::wait4(child, &status, 0, &usage) != child) return 2;
  std::ofstream result(words[1]);
  result << status << ' ' << usage.ru_maxrss << '\n';
  return result.flush() ? 0 : 2;
}
