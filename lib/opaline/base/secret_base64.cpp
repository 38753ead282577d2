#include "opaline/base/secret_base64.h"

#include "opaline/base/constant_time.h"
#include "opaline/base/error.h"

namespace opaline {
namespace {

/// All ones if low ≤ x ≤ high, else 0; for numbers below 2^31.
std::uint32_t within(std::uint32_t x, std::uint32_t low, std::uint32_t high) {
  return (((x - low) | (high - x)) >> 31) - 1;
}

/// What a symbol is worth; all ones in `bad` if it is none.
std::uint32_t value_of(std::uint32_t symbol, std::uint32_t& bad) {
  const std::uint32_t upper = within(symbol, 'A', 'Z');
  const std::uint32_t lower = within(symbol, 'a', 'z');
  const std::uint32_t digit = within(symbol, '0', '9');
  const std::uint32_t minus = within(symbol, '-', '-');
  const std::uint32_t line = within(symbol, '_', '_');
  bad |= ~(upper | lower | digit | minus | line);
  return (upper & (symbol - 'A')) | (lower & (symbol - 'a' + 26)) | (digit & (symbol - '0' + 52)) |
         (minus & 62) | (line & 63);
}

std::uint32_t symbol_of(std::uint32_t value) {
  return (within(value, 0, 25) & (value + 'A')) | (within(value, 26, 51) & (value - 26 + 'a')) |
         (within(value, 52, 61) & (value - 52 + '0')) | (within(value, 62, 62) & '-') |
         (within(value, 63, 63) & '_');
}

}  // namespace

SecretBytes decode_secret_base64url(ByteView text) {
  std::uint32_t bad = 0;
  SecretBytes bytes;
  bytes.reserve(text.size() * 3 / 4);
  std::uint32_t pending = 0;
  int bits = 0;
  for (const std::uint8_t symbol : text) {
    pending = (pending << 6) | value_of(symbol, bad);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes.push_back(static_cast<std::uint8_t>(pending >> bits));
    }
  }
  bad |= pending & ((1U << bits) - 1);  // stray bits
  if (text.size() % 4 == 1 || declassified(bad) != 0) throw Error(ErrorKind::damaged, "not base64url text");
  return bytes;
}

SecretBytes encode_secret_base64url(ByteView bytes) {
  SecretBytes text;
  text.reserve((bytes.size() * 4 + 2) / 3);
  std::uint32_t pending = 0;
  int bits = 0;
  const auto put = [&](std::uint32_t value) {
    text.push_back(static_cast<std::uint8_t>(symbol_of(value & 63)));
  };
  for (const std::uint8_t byte : bytes) {
    pending = (pending << 8) | byte;
    for (bits += 8; bits >= 6; bits -= 6) put(pending >> (bits - 6));
  }
  if (bits > 0) put(pending << (6 - bits));
  return text;
}

}  // namespace opaline
