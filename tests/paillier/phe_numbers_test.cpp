// Numbers as python-paillier encodes them and pheutil writes them. Known answers are in vectors_test.cpp.

#include "opaline/paillier/phe_numbers.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>
#include <string>

#include "opaline/paillier/decryptor.h"
#include "opaline/paillier/encryptor.h"
#include "sample_keys.h"
#include "support/error_kind.h"

using namespace opaline;
using namespace opaline::test;

namespace {

const PublicKey& key() { return sample_key().public_key(); }

std::string text_of(const Integer& mantissa, int exponent) {
  return phe_value_text({mantissa, exponent}, key());
}

std::string there_and_back(const std::string& text) {
  return phe_value_text(parse_phe_value(text, key()), key());
}

std::optional<Error> refusal(const std::string& file) {
  return error_of([&] { parse_phe_numbers(as_bytes(file), key(), "x.json"); });
}

}  // namespace

TEST_CASE("whole numbers are exact, of any size the key has room for") {
  const Integer most = key().n() / 3 - 1;
  for (const Integer& x : {Integer(0), Integer(1), Integer(-1), Integer(123456), most, Integer(-most)}) {
    const PheEncoding encoded = parse_phe_value(x.str(), key());
    CHECK(encoded.mantissa == x);
    CHECK(encoded.exponent == 0);
    CHECK(there_and_back(x.str()) == x.str());
    CHECK(whole_number(encoded) == x);
  }
  CHECK(kind_of([&] { parse_phe_value(Integer(most + 1).str(), key()); }) == ErrorKind::out_of_range);
  CHECK(kind_of([&] { parse_phe_value("-" + Integer(most + 1).str(), key()); }) == ErrorKind::out_of_range);
  CHECK(there_and_back("-0") == "0");
  CHECK(there_and_back("007") == "7");
}

TEST_CASE("floating-point numbers come back bit for bit") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 2000; ++i) {
    // Of magnitudes that a key of 1024 bits has room for.
    const double x =
        std::ldexp(static_cast<double>(random() >> 11U), static_cast<int>(random() % 600) - 500) *
        (random() % 2 == 0 ? 1 : -1);
    std::array<char, 40> text{};
    std::snprintf(text.data(), text.size(), "%.17e", x);
    const PheEncoding encoded = parse_phe_value(text.data(), key());
    CHECK(bit_length(encoded.mantissa) <= 53 + 3);
    CHECK(std::stod(phe_value_text(encoded, key())) == x);
  }
  CHECK(there_and_back("0.1") == "0.1");
  CHECK(there_and_back("-2.5e-3") == "-0.0025");
  CHECK(there_and_back("0.0") == "0");
  CHECK(there_and_back("1.5") == "1.5");
  CHECK(there_and_back("4.0") == "4");
}

TEST_CASE("what is no number is refused") {
  for (const char* const text : {"", "-", "--1", "1-", "abc", "nan", "inf", "-inf", "1e999", "0x10", " 1",
                                 "1 ", "1,5", "+1", "1_000"}) {
    CAPTURE(text);
    CHECK(kind_of([&] { parse_phe_value(text, key()); }) == ErrorKind::invalid_argument);
  }
  CHECK(kind_of([&] { parse_phe_value(std::string(100000, '9'), key()); }));
}

TEST_CASE("exponents shift by powers of 16, and fractions are rounded once") {
  CHECK(text_of(3, 2) == "768");
  CHECK(text_of(-3, 1) == "-48");
  CHECK(text_of(768, -2) == "3");
  CHECK(text_of(769, -2) == "3.00390625");
  CHECK(whole_number({768, -2}) == 3);
  CHECK(kind_of([] { whole_number({769, -2}); }) == ErrorKind::out_of_range);
  // Halfway between two doubles, to the even one; a bit more, up.
  const Integer half = (Integer(1) << 60) + (Integer(1) << 7);
  CHECK(std::stod(text_of(half, -1)) == std::ldexp(1.0, 56));
  CHECK(std::stod(text_of(half + 1, -1)) == std::ldexp(1.0, 56) + 16);
  CHECK(std::stod(text_of(-half - 1, -1)) == -std::ldexp(1.0, 56) - 16);
  const Integer most = key().n() / 3 - 1;
  CHECK(kind_of([&] { text_of(most + 1, -3); }) == ErrorKind::out_of_range);
  CHECK(kind_of([&] { text_of(-most - 1, 0); }) == ErrorKind::out_of_range);
}

TEST_CASE("encrypted numbers are written and read, one a line") {
  const Encryptor encryptor(key());
  std::string file;
  const std::vector<Integer> values = {0, 5, -7, 1 << 30};
  for (const Integer& value : values) file += to_json(PheNumber{encryptor.encrypt(value), -3});
  const auto numbers = parse_phe_numbers(as_bytes("\n" + file + "\r\n\n"), key(), "x.json");
  REQUIRE(numbers.size() == values.size());
  for (std::size_t i = 0; i < values.size(); ++i) {
    CHECK(numbers[i].exponent == -3);
    CHECK(Decryptor(sample_key()).decrypt(numbers[i].ciphertext) == values[i]);
  }
  CHECK(parse_phe_numbers(as_bytes(file.substr(0, file.find('\n'))), key(), "x.json").size() == 1);
}

TEST_CASE("what is no encrypted number is refused by its line") {
  const std::string good = to_json(PheNumber{Encryptor(key()).encrypt(1), 0});
  const auto with = [](const std::string& v, const std::string& e) {
    return R"({"v": ")" + v + R"(", "e": )" + e + "}\n";
  };
  const std::string digits = "12345";
  const struct {
    std::string line;
    ErrorKind kind;
  } bad[] = {
      {"{}", ErrorKind::damaged},
      {"[]", ErrorKind::damaged},
      {"null", ErrorKind::damaged},
      {"{\"v\": \"5\"}", ErrorKind::damaged},
      {"{\"e\": 0}", ErrorKind::damaged},
      {"{\"v\": 5, \"e\": 0}", ErrorKind::damaged},
      {with("", "0"), ErrorKind::damaged},
      {with("-5", "0"), ErrorKind::damaged},
      {with("0x5", "0"), ErrorKind::damaged},
      {with("05", "0"), ErrorKind::damaged},
      {with("5 ", "0"), ErrorKind::damaged},
      {with(digits, "0.5"), ErrorKind::damaged},
      {with(digits, "\"0\""), ErrorKind::damaged},
      {with(digits, "null"), ErrorKind::damaged},
      {with(digits, "2049"), ErrorKind::damaged},
      {with(digits, "-2049"), ErrorKind::damaged},
      {with(digits, "18446744073709551616"), ErrorKind::damaged},
      {with(digits, "18446744073709551615"), ErrorKind::damaged},
      {with(digits, "-9223372036854775808"), ErrorKind::damaged},
      {with("0", "0"), ErrorKind::invalid_ciphertext},
      {with(sample_key().p().value().str(), "0"), ErrorKind::invalid_ciphertext},
      {with(key().n_squared().str(), "0"), ErrorKind::invalid_ciphertext},
      {with(std::string(5900, '9'), "0"), ErrorKind::invalid_ciphertext},
      {with(std::string(7000, '9'), "0"), ErrorKind::too_large},
      {std::string(5000, '['), ErrorKind::damaged},
  };
  for (const auto& [line, kind] : bad) {
    CAPTURE(line.substr(0, 100));
    const auto error = refusal(good + line);
    REQUIRE(error);
    CHECK(error->kind() == kind);
    CHECK(std::string(error->what()).rfind("x.json, line 2: ", 0) == 0);
  }
  for (const char* const empty : {"", "\n", " \r\n \n"}) {
    const auto error = refusal(empty);
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::damaged);
  }
}
