#pragma once

#include <string>
#include <string_view>

namespace opaline::network {

/// A name from a file, fit to stand in a one-line error text: in quotes, at most 80 bytes of it, printable
/// ASCII only (anything else becomes '?').
inline std::string quoted(std::string_view name) {
  constexpr std::size_t kLongest = 80;
  std::string text = "\"";
  for (const char c : name.substr(0, kLongest)) text += c >= ' ' && c <= '~' && c != '"' ? c : '?';
  return text + (name.size() > kLongest ? "…\"" : "\"");
}

}  // namespace opaline::network
