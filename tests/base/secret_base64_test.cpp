#include "opaline/base/secret_base64.h"

#include <catch2/catch.hpp>
#include <string>

#include "opaline/base/error.h"

using namespace opaline;

namespace {

std::string encoded(ByteView bytes) {
  const SecretBytes text = encode_secret_base64url(bytes);
  return {text.begin(), text.end()};
}

}  // namespace

TEST_CASE("base64url of secrets is base64url") {
  Bytes bytes;
  for (unsigned size = 0; size < 300; ++size) {
    const std::string text = to_base64url(bytes);
    CHECK(encoded(bytes) == text);
    const SecretBytes back = decode_secret_base64url(as_bytes(text));
    CHECK(Bytes(back.begin(), back.end()) == bytes);
    bytes.push_back(static_cast<std::uint8_t>(size * 151 + 7));
  }
}

TEST_CASE("every symbol and every other byte, at every place") {
  for (std::size_t place = 0; place < 4; ++place) {
    for (int byte = 0; byte < 256; ++byte) {
      std::string text = "AAAA";
      text[place] = static_cast<char>(byte);
      CAPTURE(place, byte);
      bool refused = false;
      try {
        const SecretBytes bytes = decode_secret_base64url(as_bytes(text));
        CHECK(Bytes(bytes.begin(), bytes.end()) == from_base64url(text));
      } catch (const Error& error) {
        refused = true;
        CHECK(error.kind() == ErrorKind::damaged);
        CHECK_THROWS_AS(from_base64url(text), Error);
      }
      const std::string symbols = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
      CHECK(refused == (symbols.find(static_cast<char>(byte)) == std::string::npos));
    }
  }
}

TEST_CASE("text that base64url would not write is refused") {
  for (const char* const text : {"A", "AAAAA", "AB", "AAB", "AA==", "AAA=", "AA A", "AA\n"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(decode_secret_base64url(as_bytes(std::string(text))), Error);
  }
}
