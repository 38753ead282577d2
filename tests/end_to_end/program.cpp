#include "end_to_end/program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

#include "support/temporary_folder.h"

namespace opaline::test {
namespace {

namespace fs = std::filesystem;

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> result;
  result.reserve(texts.size() + 1);
  for (std::string& text : texts) result.push_back(text.data());
  result.push_back(nullptr);
  return result;
}

// Where a child's three standard streams go.
class Streams {
 public:
  Streams(const std::string& out, const std::string& err) {
    ::posix_spawn_file_actions_init(&actions_);
    ::posix_spawn_file_actions_addopen(&actions_, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_addopen(&actions_, STDOUT_FILENO, out.c_str(), kFlags, 0600);
    ::posix_spawn_file_actions_addopen(&actions_, STDERR_FILENO, err.c_str(), kFlags, 0600);
  }
  Streams(const Streams&) = delete;
  Streams& operator=(const Streams&) = delete;
  ~Streams() { ::posix_spawn_file_actions_destroy(&actions_); }
  const posix_spawn_file_actions_t* get() const { return &actions_; }

 private:
  static constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_t actions_{};
};

}  // namespace

Outcome run(const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
  const TemporaryFolder folder;
  const Streams streams(folder / "out", folder / "err");
  std::vector<std::string> words = {OPALINE_MEASURED, folder / "result", OPALINE_PROGRAM};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<std::string> variables = environment;
  for (char** variable = ::environ; *variable != nullptr; ++variable) variables.emplace_back(*variable);

  pid_t child = 0;
  if (::posix_spawn(&child, words.front().c_str(), streams.get(), nullptr, pointers(words).data(),
                    pointers(variables).data()) != 0) {
    throw std::runtime_error("cannot start " + words.front());
  }
  int launched = 0;
  if (::waitpid(child, &launched, 0) != child) throw std::runtime_error("cannot wait for the command");
  int status = 0;
  std::size_t peak_kilobytes = 0;
  std::ifstream result(folder / "result");
  if (launched != 0 || !(result >> status >> peak_kilobytes)) {
    throw std::runtime_error("cannot run " OPALINE_PROGRAM);
  }
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status), contents(folder / "out"),
          contents(folder / "err"), peak_kilobytes};
}

Outcome run_ok(const std::vector<std::string>& arguments) {
  Outcome outcome = run(arguments);
  if (outcome.exit_code != 0) {
    throw std::runtime_error("opaline " + arguments.front() + " ended with " +
                             std::to_string(outcome.exit_code) + ": " + outcome.err);
  }
  return outcome;
}

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::vector<std::string> listing(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) names.push_back(entry.path().filename().string());
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace opaline::test
