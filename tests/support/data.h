#pragma once

#include <cstdlib>
#include <filesystem>

namespace opaline::test {

inline bool have_data() {
  const char* folder = std::getenv("OPALINE_DATA");
  return folder != nullptr && std::filesystem::is_directory(folder);
}

/// A file of the data sets; only where have_data().
inline std::filesystem::path data(const char* name) {
  return std::filesystem::path(std::getenv("OPALINE_DATA")) / name;
}

}  // namespace opaline::test
