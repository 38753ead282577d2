#include "opaline/base/sha256.h"

#include <catch2/catch.hpp>
#include <string>

using namespace opaline;

// NIST, "Examples with Intermediate Values: SHA-256" for FIPS 180-4, and the long message of FIPS 180-2, B.3.
TEST_CASE("SHA-256 gives the digests of its standard") {
  const std::pair<std::string, const char*> examples[] = {
      {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
      {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
       "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
      {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopq"
       "rst"
       "nopqrstu",
       "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
      {std::string(1000000, 'a'), "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"}};
  for (const auto& [message, digest] : examples) CHECK(to_hex(sha256(as_bytes(message))) == digest);
}

TEST_CASE("the parts of a message are digested as one") {
  CHECK(sha256({as_bytes("a"), {}, as_bytes("bc")}) == sha256(as_bytes("abc")));
  CHECK(sha256({as_bytes("ab"), as_bytes("c")}) != sha256({as_bytes("ab"), as_bytes("d")}));
  CHECK(sha256(std::initializer_list<ByteView>{}) == sha256(ByteView()));
}
