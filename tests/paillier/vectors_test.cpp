#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "opaline/bigint/exponentiation.h"
#include "opaline/paillier/decryptor.h"
#include "opaline/paillier/evaluator.h"
#include "opaline/paillier/key_files.h"
#include "opaline/paillier/phe_numbers.h"
#include "sample_keys.h"
#include "support/data.h"
#include "support/supported_backends.h"

// Known answers from outside: ISO/IEC 18033-6 and python-paillier.

using namespace opaline;
using namespace opaline::test;

namespace {

using Json = nlohmann::json;

Json vectors(const char* name) { return Json::parse(std::ifstream(data("vectors") / name)); }

/// Hexadecimal with 0x, or decimal.
Integer number(const Json& text) { return Integer(text.get<std::string>()); }

Ciphertext ciphertext(const PublicKey& key, const Integer& value) {
  return parse_ciphertexts(key, to_bytes(value, key.ciphertext_bytes())).front();
}

/// (1 + m·n)·r^n mod n² by the route of an encryptor, in every lane.
Integer encrypt_with(const Backend& backend, const Integer& n, const Integer& m, const Integer& r) {
  const auto f = uniform_arithmetic(backend, n);
  WordVector element(f->words());
  WordVector message(f->half_words());
  f->load(element.data(), std::vector<Integer>(f->lanes(), r));
  f->load_half(message.data(), std::vector<Integer>(f->lanes(), m));
  pow_vartime(*f, element.data(), element.data(), n);
  f->mul_one_plus_km(element.data(), element.data(), message.data());
  const std::vector<Integer> lanes = f->store(element.data());
  for (const Integer& lane : lanes) CHECK(lane == lanes.front());
  return lanes.front();
}

}  // namespace

TEST_CASE("the example of ISO/IEC 18033-6") {
  const Json example = vectors("iso18033.json");
  const Integer p = number(example["p"]);
  const Integer q = number(example["q"]);
  const Integer m1("0x414243444546474849404a4b4c4d4e4f");
  const Integer m2("0x20202020202020202020202020202020");
  const Integer c1 = number(example["c1"]);
  const Integer c2 = number(example["c2"]);
  CHECK(m1 + m2 == number(example["m1m2"]));
  CHECK(gcd_vartime(p - 1, q - 1) == 6);  // which keys of ours never have, and imported ones may
  const SecretKey key = SecretKey::from_primes(SecretInteger(p), SecretInteger(q));
  const PublicKey& pub = key.public_key();
  CHECK(c1 * c2 % pub.n_squared() == number(example["c1c2"]));
  for (const Backend* const backend : supported_backends()) {
    CAPTURE(backend->name());
    const Decryptor decryptor(key, *backend);
    const Evaluator evaluator(pub, *backend);
    CHECK(decryptor.decrypt(ciphertext(pub, c1)) == m1);
    CHECK(decryptor.decrypt(ciphertext(pub, c2)) == m2);
    CHECK(decryptor.decrypt(ciphertext(pub, number(example["c1c2"]))) == number(example["m1m2"]));
    CHECK(decryptor.decrypt(evaluator.add(ciphertext(pub, c1), ciphertext(pub, c2))) == m1 + m2);
    CHECK(encrypt_with(*backend, pub.n(), m1, number(example["r0"])) == c1);
    CHECK(encrypt_with(*backend, pub.n(), m2, number(example["r1"])) == c2);
  }
}

TEST_CASE("keys, ciphertexts and results of python-paillier") {
  const Json all = vectors("python_paillier.json");
  REQUIRE(all.size() == 3);
  for (const Json& example : all) {
    CAPTURE(example["bits"].dump());
    const std::string secret_text = example["secret_key"].dump();
    const std::string public_text = example["public_key"].dump();
    const SecretKey key = secret_key_from_json(as_bytes(secret_text), "secret_key");
    const PublicKey pub = public_key_from_json(as_bytes(public_text), "public_key");
    CHECK(pub.bits() == example["bits"].get<std::size_t>());
    CHECK(key.public_key() == pub);
    CHECK(public_key_from_json(as_bytes(secret_text), "secret_key") == pub);
    CHECK_FALSE(key.generator_p());
    // What is written for pheutil has exactly the members it writes, and the same numbers.
    Json expected = example["secret_key"];
    const SecretBytes exported_text = to_json(key, KeyMembers::of_pheutil);
    Json exported = Json::parse(exported_text.begin(), exported_text.end());
    for (Json* const document : {&expected, &exported}) {
      document->erase("kid");
      (*document)["pub"].erase("kid");
    }
    CHECK(exported == expected);
    Json exported_public = Json::parse(to_json(pub, KeyMembers::of_pheutil));
    exported_public.erase("kid");
    CHECK(exported_public == expected["pub"]);

    for (const Backend* const backend : supported_backends()) {
      CAPTURE(backend->name());
      const Decryptor decryptor(key, *backend);
      const Evaluator evaluator(pub, *backend);
      std::vector<Integer> m;
      std::vector<Ciphertext> c;
      for (const Json& raw : example["raw"]) {
        m.push_back(number(raw["m"]));
        c.push_back(ciphertext(pub, number(raw["c"])));
        CHECK(decryptor.decrypt(c.back()) == centred(m.back(), pub));
        CHECK(encrypt_with(*backend, pub.n(), m.back(), number(raw["r"])) == c.back().value());
      }
      CHECK(decryptor.decrypt(c).size() == c.size());

      // add_5_7 is the sum of the ciphertexts at places 5 and 7 of `raw`, mul_7_by_… a multiple of the one
      // at 7.
      const Json& results = example["homomorphic"];
      const auto decrypted = [&](const char* name) {
        return decryptor.decrypt(ciphertext(pub, number(results[name])));
      };
      CHECK(decrypted("add_5_7") == centred(m[5] + m[7], pub));
      CHECK(decrypted("mul_7_by_13") == centred(13 * m[7], pub));
      CHECK(decrypted("mul_7_by_minus_13") == centred(-13 * m[7], pub));
      CHECK(c[5].value() * c[7].value() % pub.n_squared() == number(results["add_5_7"]));
      CHECK(decryptor.decrypt(evaluator.add(c[5], c[7])) == decrypted("add_5_7"));
      CHECK(decryptor.decrypt(evaluator.multiply_vartime(c[7], 13)) == decrypted("mul_7_by_13"));
      CHECK(decryptor.decrypt(evaluator.multiply_vartime(c[7], -13)) == decrypted("mul_7_by_minus_13"));
      const std::vector<std::int32_t> weights = {13, -13};
      const auto products =
          evaluator.multiply(evaluator.schedule({2, 1, weights, 5}), std::span(c).subspan(7, 1));
      CHECK(decryptor.decrypt(products[0]) == decrypted("mul_7_by_13"));
      CHECK(decryptor.decrypt(products[1]) == decrypted("mul_7_by_minus_13"));
    }
  }
}

TEST_CASE("encrypted numbers of pheutil") {
  for (const Json& example : vectors("python_paillier.json")) {
    const std::string text = example["secret_key"].dump();
    const SecretKey key = secret_key_from_json(as_bytes(text), "secret_key");
    const Decryptor decryptor(key);
    for (const Json& encrypted : example["pheutil_numbers"]) {
      const int exponent = encrypted["e"].get<int>();
      REQUIRE(exponent <= 0);
      // v holds x·16^−e, which is exact in a double: the base is a power of two.
      const Integer scaled(std::ldexp(encrypted["x"].get<double>(), -4 * exponent));
      CAPTURE(encrypted["x"].dump());
      CHECK(decryptor.decrypt(ciphertext(key.public_key(), number(encrypted["v"]))) == scaled);

      const std::string line = encrypted.dump();
      const PheNumber read = parse_phe_numbers(as_bytes(line), key.public_key(), "numbers").front();
      CHECK(read.exponent == exponent);
      const Integer mantissa = decryptor.decrypt(read.ciphertext);
      CHECK(phe_value_text({mantissa, exponent}, key.public_key()) == encrypted["x"].dump());
      const PheEncoding encoded = parse_phe_value(encrypted["x"].dump(), key.public_key());
      CHECK(encoded.mantissa == mantissa);
      CHECK(encoded.exponent == exponent);
      CHECK(Json::parse(to_json(read))["v"] == encrypted["v"]);
    }
  }
}
