#include "opaline/base/bytes.h"

#include <catch2/catch.hpp>

#include "opaline/base/error.h"

using namespace opaline;

TEST_CASE("base64url agrees with the examples of RFC 4648, section 10") {
  const std::pair<const char*, const char*> examples[] = {
      {"", ""},           {"f", "Zg"},          {"fo", "Zm8"},         {"foo", "Zm9v"},
      {"foob", "Zm9vYg"}, {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : examples) {
    CHECK(to_base64url(as_bytes(plain)) == coded);
    const Bytes back = from_base64url(coded);
    CHECK(std::string(back.begin(), back.end()) == plain);
  }
  CHECK(to_base64url(Bytes{0xfb, 0xff}) == "-_8");
}

TEST_CASE("base64url refuses what it would not write") {
  for (const char* text : {"Z", "Zg==", "Zh", "Zm9=", "Zm9v\n", "Zm+v", "Zm/v", "Zm9vY"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(from_base64url(text), Error);
  }
}

TEST_CASE("base64 agrees with the examples of RFC 4648, section 10") {
  const std::pair<const char*, const char*> examples[] = {{"", ""},
                                                          {"f", "Zg=="},
                                                          {"fo", "Zm8="},
                                                          {"foo", "Zm9v"},
                                                          {"foob", "Zm9vYg=="},
                                                          {"fooba", "Zm9vYmE="},
                                                          {"foobar", "Zm9vYmFy"}};
  for (const auto& [plain, coded] : examples) {
    CHECK(to_base64(as_bytes(plain)) == coded);
    const Bytes back = from_base64(coded);
    CHECK(std::string(back.begin(), back.end()) == plain);
  }
  CHECK(to_base64(Bytes{0xfb, 0xff}) == "+/8=");
}

TEST_CASE("base64 refuses what it would not write") {
  for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "Z===", "====", "=", "Zh==", "Zm9=", "Zm9v\n",
                           "Zm9v====", "Zm8=Zm9v", "Zm-v", "Zm_v", "Zm9vY"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(from_base64(text), Error);
  }
}

TEST_CASE("hexadecimal has two lower-case digits a byte") {
  CHECK(to_hex(Bytes{0, 0x0f, 0xa0, 0xff}) == "000fa0ff");
}
