#include "opaline/base/bytes.h"

#include <array>

#include "opaline/base/error.h"

namespace opaline {
namespace {

/// 64 symbols, and what each is worth; 64 for every other.
struct Alphabet {
  explicit constexpr Alphabet(std::string_view text) : symbols(text) {
    values.fill(64);
    for (std::size_t i = 0; i < text.size(); ++i) {
      values[static_cast<std::uint8_t>(text[i])] = static_cast<std::uint8_t>(i);
    }
  }

  std::string_view symbols;
  std::array<std::uint8_t, 256> values{};
};

constexpr Alphabet kStandard{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"};
constexpr Alphabet kUrl{"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"};

std::string encode(const Alphabet& alphabet, ByteView bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  std::uint32_t pending = 0;
  int bits = 0;
  for (const std::uint8_t byte : bytes) {
    pending = (pending << 8) | byte;
    for (bits += 8; bits >= 6; bits -= 6) text += alphabet.symbols[(pending >> (bits - 6)) & 63];
  }
  if (bits > 0) text += alphabet.symbols[(pending << (6 - bits)) & 63];
  return text;
}

// Without padding, and without stray bits.
Bytes decode(const Alphabet& alphabet, std::string_view text, const char* what) {
  const auto refuse = [what] { return Error(ErrorKind::damaged, std::string("not ") + what + " text"); };
  if (text.size() % 4 == 1) throw refuse();
  Bytes bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t pending = 0;
  int bits = 0;
  for (const char symbol : text) {
    const std::uint8_t value = alphabet.values[static_cast<std::uint8_t>(symbol)];
    if (value == 64) throw refuse();
    pending = (pending << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<std::uint8_t>(pending >> bits));
    }
  }
  if ((pending & ((1U << bits) - 1)) != 0) throw refuse();
  return bytes;
}

}  // namespace

std::string to_hex(ByteView bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(2 * bytes.size());
  for (const std::uint8_t byte : bytes) {
    text += digits[byte >> 4];
    text += digits[byte & 15];
  }
  return text;
}

std::string to_base64url(ByteView bytes) { return encode(kUrl, bytes); }

Bytes from_base64url(std::string_view text) { return decode(kUrl, text, "base64url"); }

std::string to_base64(ByteView bytes) {
  std::string text = encode(kStandard, bytes);
  text.resize((text.size() + 3) / 4 * 4, '=');
  return text;
}

Bytes from_base64(std::string_view text) {
  if (text.size() % 4 != 0) throw Error(ErrorKind::damaged, "not base64 text");
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return decode(kStandard, text, "base64");
}

}  // namespace opaline
