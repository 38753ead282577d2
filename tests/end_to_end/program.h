#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <vector>

namespace opaline::test {

/// What a run of the opaline command came to.
struct Outcome {
  int exit_code = 0;  ///< minus the signal's number if one ended it
  std::string out;
  std::string err;
  std::size_t peak_kilobytes = 0;  ///< most memory it held
};

/// Runs the opaline command that was built beside the tests and waits for its end. `environment` has further
/// variables, as "NAME=value".
Outcome run(const std::vector<std::string>& arguments, const std::vector<std::string>& environment = {});

/// The same for a step that a test stands on. Throws with what the command said unless it ends with 0.
Outcome run_ok(const std::vector<std::string>& arguments);

std::vector<std::string> lines_of(const std::string& text);

/// The names of what is in a folder, sorted.
std::vector<std::string> listing(const std::filesystem::path& folder);

}  // namespace opaline::test
