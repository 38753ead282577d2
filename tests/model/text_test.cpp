#include "opaline/model/text.h"

#include <catch2/catch.hpp>
#include <string>

using opaline::is_plain_text;

TEST_CASE("well-formed UTF-8 of every length is plain text") {
  for (const char* text : {"", "seven", "caf\xc3\xa9", "\xe4\xb8\x83", "\xf0\x9f\x94\xa2", "\xc2\xa0",
                           "\xed\x9f\xbf", "\xee\x80\x80", "\xf4\x8f\xbf\xbf"}) {
    CAPTURE(text);
    CHECK(is_plain_text(text));
  }
}

// The malformed ones are those of the UTF-8 decoder capability and stress test (M. Kuhn), sections 3 to 5.
TEST_CASE("malformed UTF-8 and control characters are not plain text") {
  for (const std::string& text :
       {std::string("a\nb"), std::string(1, '\0'), std::string("\x7f"), std::string("\x1b[0m"),
        std::string("\xc2\x85"), std::string("\xe2\x80\xa8"), std::string("\x80"), std::string("\xc3"),
        std::string("\xe4\xb8"), std::string("\xf0\x9f\x94"), std::string("\xc0\xaf"),
        std::string("\xe0\x80\xaf"), std::string("\xf0\x80\x80\xaf"), std::string("\xed\xa0\x80"),
        std::string("\xf4\x90\x80\x80"), std::string("\xf8\x88"), std::string("\xfe"), std::string("\xff"),
        std::string("\xc3\x28")}) {
    CAPTURE(text);
    CHECK_FALSE(is_plain_text(text));
  }
}
