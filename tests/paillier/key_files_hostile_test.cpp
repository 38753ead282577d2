#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <string>

#include "opaline/base/file.h"
#include "opaline/paillier/key_files.h"
#include "sample_keys.h"
#include "support/error_kind.h"
#include "support/temporary_folder.h"

using namespace opaline;
using namespace opaline::test;

namespace {

using Json = nlohmann::json;

std::string text_of(const SecretKey& key) {
  const SecretBytes text = to_json(key);
  return {text.begin(), text.end()};
}

bool same(const SecretKey& a, const SecretKey& b) {
  return a.p().value() == b.p().value() && a.q().value() == b.q().value() && a.public_key() == b.public_key();
}

enum class Outcome { refused, same_key, another_key };

/// What a document comes to; every refusal must be an Error that opens with the name.
template <typename Read>
Outcome outcome(const Read& read) {
  bool equal = false;
  const auto error = error_of([&] { equal = read(); });
  if (!error) return equal ? Outcome::same_key : Outcome::another_key;
  if (std::string(error->what()).rfind("k.json: ", 0) != 0) FAIL("unnamed refusal: " << error->what());
  return Outcome::refused;
}

Outcome read_secret(const std::string& text) {
  return outcome([&] { return same(secret_key_from_json(as_bytes(text), "k.json"), sample_key()); });
}

Outcome read_public(const std::string& text) {
  return outcome([&] { return public_key_from_json(as_bytes(text), "k.json") == sample_key().public_key(); });
}

/// Why a secret key's document is refused; empty if it is not.
std::string refusal(const Json& document) {
  const std::string text = document.dump();
  const auto error = error_of([&] { secret_key_from_json(as_bytes(text), "k.json"); });
  return error ? error->what() : std::string();
}

bool is_blank_or_empty(const std::string& text) { return text.find_first_not_of(" \n") == std::string::npos; }

/// Members a key does not depend on.
bool is_harmless(const std::string& path) {
  return path.find("/kid") != std::string::npos || path.find("/key_ops") != std::string::npos;
}

}  // namespace

TEST_CASE("a key file cut off anywhere is refused") {
  for (const std::string& text : {text_of(sample_key()), text_of(imported_key())}) {
    for (std::size_t size = 0; size < text.size(); ++size) {
      if (is_blank_or_empty(text.substr(size))) continue;
      CAPTURE(size);
      CHECK(read_secret(text.substr(0, size)) == Outcome::refused);
      CHECK(read_public(text.substr(0, size)) == Outcome::refused);
    }
  }
  const std::string text = to_json(sample_key().public_key());
  for (std::size_t size = 0; size < text.size(); ++size) {
    if (is_blank_or_empty(text.substr(size))) continue;
    CAPTURE(size);
    CHECK(read_public(text.substr(0, size)) == Outcome::refused);
  }
}

TEST_CASE("a secret key's file with any byte changed is refused or still the same key") {
  const std::string text = text_of(sample_key());
  REQUIRE(read_secret(text) == Outcome::same_key);
  const auto harmless =
      [&](std::size_t at) {  // inside a kid or a key_ops, a name that is not looked for, a blank
        std::string altered = text;
        altered[at] = '!';
        return read_secret(altered) == Outcome::same_key;
      };
  std::size_t refused = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const int mask : {0x01, 0x80}) {
      std::string altered = text;
      altered[i] = static_cast<char>(altered[i] ^ mask);
      const Outcome result = read_secret(altered);
      CAPTURE(i, mask);
      CHECK(result != Outcome::another_key);
      if (result == Outcome::refused) ++refused;
    }
  }
  CHECK(refused > text.size());  // most of the file matters
  CHECK_FALSE(harmless(text.find(R"("p": ")") + 10));
}

TEST_CASE("no byte of a number can change") {
  const std::string text = text_of(sample_key());
  for (const char* const name : {"\"p\": \"", "\"q\": \"", "\"n\":\"", "\"h_p\": \"", "\"k_q\": \""}) {
    const std::size_t begin = text.find(name) + std::string(name).size();
    const std::size_t end = text.find('"', begin);
    for (std::size_t i = begin; i < end; i += 3) {
      for (const char symbol : {'A', 'q', '_', '=', ' ', '+', '"', '\\', '\0'}) {
        if (text[i] == symbol) continue;
        std::string altered = text;
        altered[i] = symbol;
        CAPTURE(name, i, symbol);
        CHECK(read_secret(altered) == Outcome::refused);
      }
    }
  }
}

TEST_CASE("a public key's file with any byte changed is refused or still the same key") {
  const std::string text = to_json(sample_key().public_key());
  std::size_t refused = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    for (const int mask : {0x01, 0x02, 0x20, 0x80}) {
      std::string altered = text;
      altered[i] = static_cast<char>(altered[i] ^ mask);
      const Outcome result = read_public(altered);
      CAPTURE(i, mask);
      CHECK(result != Outcome::another_key);
      if (result == Outcome::refused) ++refused;
    }
  }
  CHECK(refused > text.size());
}

TEST_CASE("a member of the wrong type is refused unless nobody needs it") {
  const Json whole = Json::parse(text_of(sample_key()));
  const Json others[] = {nullptr,
                         true,
                         0,
                         -1,
                         1.5,
                         1e300,
                         "",
                         "A",
                         "AA",
                         "====",
                         "DAJ ",
                         Json::array(),
                         Json::array({"DAJ"}),
                         Json::object(),
                         {{"n", "AQ"}},
                         std::string(100000 / 8, 'A')};
  std::vector<std::string> paths = {""};
  const Json flat = whole.flatten();
  for (const auto& item : flat.items()) paths.push_back(item.key());
  for (const char* const path : {"/pub", "/opaline", "/pub/opaline", "/key_ops", "/pub/key_ops"})
    paths.emplace_back(path);
  for (const std::string& path : paths) {
    for (const Json& other : others) {
      Json document = whole;
      document[Json::json_pointer(path)] = other;
      CAPTURE(path, other.dump().substr(0, 50));
      const Outcome result = read_secret(document.dump());
      CHECK(result == (is_harmless(path) ? Outcome::same_key : Outcome::refused));
      CHECK(read_public(document.dump()) != Outcome::another_key);
    }
  }
}

TEST_CASE("a member that is missing is named") {
  const Json whole = Json::parse(text_of(sample_key()));
  const auto without = [&](const std::string& parent, const std::string& name) {
    Json document = whole;
    document[Json::json_pointer(parent)].erase(name);
    return refusal(document);
  };
  for (const char* const name : {"kty", "p", "q", "pub"}) {
    CHECK(without("", name) == "k.json: not a complete key file: '" + std::string(name) + "' is missing");
  }
  for (const char* const name : {"kty", "alg", "n"}) {
    CHECK(without("/pub", name) == "k.json: not a complete key file: '" + std::string(name) + "' is missing");
  }
  for (const char* const name : {"h_p", "k_p", "h_q", "k_q"}) {
    CHECK(without("/opaline", name).find("'" + std::string(name) + "' is missing") != std::string::npos);
  }
  for (const char* const name : {"kid", "key_ops", "opaline"}) CHECK(without("", name).empty());
}

TEST_CASE("numbers that are not those of one key are refused") {
  const Json whole = Json::parse(text_of(sample_key()));
  const auto changed = [&](const char* path, const Integer& number) {
    Json document = whole;
    document[Json::json_pointer(path)] = to_base64url(to_bytes(number));
    return refusal(document);
  };
  const Integer& p = sample_key().p().value();
  const Integer& n = sample_key().public_key().n();
  CHECK(changed("/pub/n", n + 2) == "k.json: n is not p times q");
  CHECK(changed("/pub/n", other_key().public_key().n()) == "k.json: n is not p times q");
  CHECK(changed("/p", other_key().p().value()) == "k.json: n is not p times q");
  CHECK(changed("/p", p + 2) == "k.json: n is not p times q");
  const Integer& h_p = sample_key().generator_p()->h.value();
  CHECK(changed("/opaline/h_p", h_p * h_p % (p * p)) ==
        "k.json: h_p does not generate the p-th powers mod p^2");
  CHECK(changed("/opaline/k_p", 1 << 21) == "k.json: h_p does not generate the p-th powers mod p^2");
  CHECK(changed("/opaline/h_q", h_p) == "k.json: h_q does not generate the q-th powers mod q^2");

  Json equal = whole;
  equal["q"] = equal["p"];
  equal["pub"]["n"] = to_base64url(to_bytes(p * p));
  CHECK(refusal(equal) == "k.json: p and q are equal");
}

TEST_CASE("numbers are base64url without padding, of bounded length") {
  const Json whole = Json::parse(text_of(sample_key()));
  const auto with_p = [&](const std::string& digits) {
    Json document = whole;
    document["p"] = digits;
    return refusal(document);
  };
  const std::string digits = whole["p"];
  CHECK(with_p(digits).empty());
  CHECK(with_p(digits + "=") == "k.json: 'p': not base64url text");
  CHECK(with_p(digits + "==") == "k.json: 'p': not base64url text");
  CHECK(with_p(" " + digits) == "k.json: 'p': not base64url text");
  CHECK(with_p(digits + "\n") == "k.json: 'p': not base64url text");
  CHECK(with_p("").find("k.json: ") == 0);
  CHECK(with_p(std::string(1372, 'B')) == "k.json: n is not p times q");
  CHECK(with_p(std::string(1373, 'B')) == "k.json: 'p' is not a number of a key");
  // Zero bytes in front do not change a number.
  CHECK(with_p(to_base64url(to_bytes(sample_key().p().value(), 70))).empty());
}

TEST_CASE("what is no key at all is refused") {
  for (const std::string& text :
       {std::string(), std::string("null"), std::string("[]"), std::string("\"DAJ\""), std::string("{}"),
        std::string("{\"kty\": \"RSA\"}"), std::string("{\"kty\": \"DAJ\", \"kty\": \"RSA\"}"),
        std::string(1, '\0'), std::string("OPALQRY1"), std::string("\xff\xfe{}"),
        std::string("{\"kty\": \"DAJ\"} {}"), std::string(65536, ' '), std::string(65536, '{')}) {
    CAPTURE(text.substr(0, 40));
    CHECK(read_secret(text) == Outcome::refused);
    CHECK(read_public(text) == Outcome::refused);
  }
}

TEST_CASE("nesting as deep as a file can be long ends no program") {
  constexpr std::size_t kDepth = 32000;
  const std::string arrays = std::string(kDepth, '[') + std::string(kDepth, ']');
  std::string objects;
  for (std::size_t i = 0; i < 10000; ++i) objects += "{\"\":";
  objects += "1" + std::string(10000, '}');
  for (const std::string& deep : {arrays, objects}) {
    CHECK(read_secret("{\"kid\":" + deep + "}") == Outcome::refused);
    CHECK(read_public("{\"kid\":" + deep + "}") == Outcome::refused);
    CHECK(read_secret(deep) == Outcome::refused);
    CHECK(read_secret("{\"kid\":" + deep.substr(0, deep.size() - 1) + "}") == Outcome::refused);
    Json shallow = Json::parse(text_of(sample_key()));
    shallow.erase("opaline");
    std::string text = shallow.dump();
    if (text.size() + deep.size() + 9 > 65536) continue;
    text.insert(1, "\"deep\":" + deep + ",");
    CHECK(read_secret(text) == Outcome::same_key);
  }
}

TEST_CASE("a file larger than any key's is refused unread") {
  const TemporaryFolder folder;
  std::string text = text_of(sample_key());
  text.resize(64 << 10, ' ');
  write_file(folder / "fits.key", as_bytes(text), FileMode::owner_only);
  CHECK(same(read_secret_key(folder / "fits.key"), sample_key()));
  text += ' ';
  write_file(folder / "large.key", as_bytes(text), FileMode::owner_only);
  CHECK(kind_of([&] { read_secret_key(folder / "large.key"); }) == ErrorKind::too_large);
  CHECK(kind_of([&] { read_public_key(folder / "large.key"); }) == ErrorKind::too_large);
  CHECK(kind_of([&] { holds_secret_key(folder / "large.key"); }) == ErrorKind::too_large);
  CHECK(kind_of([&] { secret_key_from_json(as_bytes(text), "large"); }) == ErrorKind::too_large);
  CHECK(kind_of([&] { public_key_from_json(as_bytes(text), "large"); }) == ErrorKind::too_large);
  std::filesystem::resize_file(folder / "large.key", std::uintmax_t{1} << 40);
  CHECK(kind_of([&] { read_secret_key(folder / "large.key"); }) == ErrorKind::too_large);
}
