#include "opaline/model/text.h"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace opaline {
namespace {

constexpr char32_t kLargestOfBytes[] = {0x7f, 0x7ff, 0xffff, 0x10ffff};  // by length, from one byte
constexpr std::size_t kShownBytes = 60;

/// Takes the first character off the text; nothing if it is malformed.
std::optional<char32_t> take_character(std::string_view& text) {
  const auto first = static_cast<std::uint8_t>(text.front());
  std::size_t length = 1;
  char32_t character = first;
  if (first >= 0x80) {
    if (first < 0xc0 || first >= 0xf8) return std::nullopt;
    length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    character = first & (0x7fU >> length);
  }
  if (length > text.size()) return std::nullopt;
  for (const char c : text.substr(1, length - 1)) {
    const auto byte = static_cast<std::uint8_t>(c);
    if ((byte & 0xc0U) != 0x80) return std::nullopt;
    character = character << 6U | (byte & 0x3fU);
  }
  const bool overlong = length > 1 && character <= kLargestOfBytes[length - 2];
  const bool surrogate = character >= 0xd800 && character <= 0xdfff;
  if (overlong || surrogate || character > kLargestOfBytes[3]) return std::nullopt;
  text.remove_prefix(length);
  return character;
}

bool is_control(char32_t c) { return c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029; }

}  // namespace

bool is_plain_text(std::string_view text) {
  while (!text.empty()) {
    const std::optional<char32_t> character = take_character(text);
    if (!character || is_control(*character)) return false;
  }
  return true;
}

std::string in_quotes(std::string_view text) {
  const bool cut = text.size() > kShownBytes;
  if (cut) {
    std::size_t end = kShownBytes;
    while (end > 0 && (static_cast<std::uint8_t>(text[end]) & 0xc0U) == 0x80)
      --end;  // not inside a character
    text = text.substr(0, end);
  }
  std::string result = "\"";
  for (const char c : text) result += c == '\n' || c == '\r' || c == '\t' ? ' ' : c;
  return result + (cut ? "…\"" : "\"");
}

std::size_t line_breaks(std::string_view text) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool first_of_two = text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n';
    if ((text[i] == '\r' && !first_of_two) || text[i] == '\n') ++count;
  }
  return count;
}

}  // namespace opaline
