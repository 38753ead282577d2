#include "opaline/base/bytes.h"

#include <array>

#include "opaline/base/error.h"

namespace opaline {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::uint32_t sextet(char symbol) {
  const std::size_t value = kAlphabet.find(symbol);
  if (value == std::string_view::npos) throw Error(ErrorKind::damaged, "not base64url text");
  return static_cast<std::uint32_t>(value);
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

std::string to_base64url(ByteView bytes) {
  std::string text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t pending = 0;
  int bits = 0;
  for (const std::uint8_t byte : bytes) {
    pending = (pending << 8) | byte;
    for (bits += 8; bits >= 6; bits -= 6) text += kAlphabet[(pending >> (bits - 6)) & 63];
  }
  if (bits > 0) text += kAlphabet[(pending << (6 - bits)) & 63];
  return text;
}

Bytes from_base64url(std::string_view text) {
  if (text.size() % 4 == 1) throw Error(ErrorKind::damaged, "not base64url text");
  Bytes bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t pending = 0;
  int bits = 0;
  for (const char symbol : text) {
    pending = (pending << 6) | sextet(symbol);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<std::uint8_t>(pending >> bits));
    }
  }
  if ((pending & ((1U << bits) - 1)) != 0) throw Error(ErrorKind::damaged, "not base64url text");
  return bytes;
}

}  // namespace opaline
