#pragma once

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace opaline {

/// The number that the whole text is, in decimal, as std::from_chars reads it (no space, no plus sign);
/// nothing if it is none or beyond Number.
template <typename Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace opaline
