#pragma once

#include <cstdlib>
#include <filesystem>

namespace opaline::test {

/// Defined by needs_data_yes.cpp or needs_data_no.cpp, whichever the program is linked with.
bool needs_data();

inline bool have_data() {
  const char* folder = std::getenv("OPALINE_DATA");
  return folder != nullptr && std::filesystem::is_directory(folder);
}

/// A file of the data sets; only where have_data().
inline std::filesystem::path data(const char* name) {
  return std::filesystem::path(std::getenv("OPALINE_DATA")) / name;
}

}  // namespace opaline::test
