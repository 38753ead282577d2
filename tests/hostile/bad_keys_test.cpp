// Keys that break a rule, and keys damaged in transit.

#include <catch2/catch.hpp>

#include "end_to_end/workshop.h"
#include "hostile/refusal.h"
#include "opaline/base/error.h"
#include "opaline/bigint/primes.h"
#include "opaline/paillier/key_files.h"

using namespace opaline;
using namespace opaline::test;

namespace {

std::string number(const Integer& x) { return "\"" + to_base64url(to_bytes(x)) + "\""; }

std::string public_json(const Integer& n) { return R"({"kty":"DAJ","alg":"PAI-GN1","n":)" + number(n) + "}"; }

std::string secret_json(const Integer& p, const Integer& q, const Integer& n) {
  return R"({"kty":"DAJ","p":)" + number(p) + ",\"q\":" + number(q) + ",\"pub\":" + public_json(n) + "}";
}

std::string secret_json(const Integer& p, const Integer& q) { return secret_json(p, q, p * q); }

Integer prime(std::size_t bits) { return generate_structured_prime(bits).p; }

Integer prime_after(Integer x) {
  do x += 2;
  while (!is_probable_prime_vartime(x));
  return x;
}

// Every command that takes such a key refuses it.
void check_key_refused(const std::string& file, const std::string& json) {
  for (const Reader& reader : readers()) {
    if (reader.file != file) continue;
    CAPTURE(reader.command);
    check_refused(reader, as_bytes(json));
  }
}

}  // namespace

TEST_CASE("a public key that breaks a rule is refused") {
  const Integer p = prime(512);
  const Integer q = prime(512);
  const auto refused = [](const char* what, const Integer& n) {
    CAPTURE(what);
    check_key_refused("alice.pub", public_json(n));
  };
  refused("even", p * q + 1);
  refused("zero", 0);
  refused("one", 1);
  refused("a small factor", 3 * prime(1022));
  refused("prime", prime(1024));
  refused("a square", p * p);
  refused("1000 bits", prime(500) * prime(500));
  refused("1025 bits", prime(513) * prime(512));
  refused("9000 bits", (Integer(1) << 8999) + 12345);
  refused("a million bits", (Integer(1) << 1000000) + 1);
}

TEST_CASE("a secret key that breaks a rule is refused") {
  const Integer p = prime(512);
  const Integer q = prime(512);
  const auto refused = [](const char* what, const std::string& json) {
    CAPTURE(what);
    check_key_refused("alice.key", json);
  };
  refused("p = q", secret_json(p, p));
  refused("n is not p times q", secret_json(p, q, p * q + 2));
  refused("n of another key", secret_json(p, q, p * prime(512)));
  refused("primes of different lengths", secret_json(prime(520), prime(504)));
  refused("p is not prime", secret_json(prime(256) * prime(256), q));
  refused("p and q close to each other", secret_json(p, prime_after(p)));
  refused("p = 1", secret_json(1, p * q));
  refused("p = 0", secret_json(0, q));
  refused("too small", secret_json(prime(500), prime(500)));
  refused("no q", R"({"kty":"DAJ","p":)" + number(p) + ",\"pub\":" + public_json(p * q) + "}");
  refused("p of a million bits", secret_json((Integer(1) << 1000000) + 1, q));
}

TEST_CASE("a key of other programs, without members of ours, is as good") {
  const Integer p = prime(512);
  const Integer q = prime(512);
  for (const Reader& reader : readers()) {
    if (reader.command.front() != "encrypt" || reader.file.rfind("alice", 0) != 0) continue;
    const std::string json = reader.file == "alice.key" ? secret_json(p, q) : public_json(p * q);
    CHECK_FALSE(ends_well(reader, as_bytes(json)));
  }
}

TEST_CASE("JSON that is no key is refused") {
  for (const char* text :
       {"{}", "[]", "null", "{\"kty\":\"DAJ\"}", "{\"kty\":\"RSA\",\"n\":\"AQAB\"}",
        "{\"kty\":\"DAJ\",\"alg\":\"PAI-GN1\",\"n\":17}", "{\"kty\":\"DAJ\",\"alg\":\"PAI-GN1\",\"n\":\"\"}",
        "{\"kty\":\"DAJ\",\"alg\":\"PAI-GN1\",\"n\":\"!!\"}",
        "{\"kty\":\"DAJ\",\"alg\":\"PAI-GN1\",\"n\":[[]]}"}) {
    CAPTURE(text);
    check_key_refused("alice.pub", text);
    check_key_refused("alice.key", text);
  }
  check_key_refused("alice.key", std::string(60000, '['));
}

// A proof is a thousand bytes, checked as one: of its letters one in 31 is enough.
bool is_worth_a_try(const Bytes& file, std::size_t byte) {
  const std::string text(file.begin(), file.end());
  const std::size_t begin = text.find("\"proof\"") + 12;
  return byte < begin || byte >= text.find('"', begin) || byte % 31 == 0;
}

// A text beside the numbers may change (a name, a label); a number may not.
TEST_CASE("no flipped bit turns a public key file into another key") {
  const Bytes sound = sound_file("alice.pub");
  const PublicKey key = public_key_from_json(sound, "sound");
  std::size_t harmless = 0;
  for (std::size_t bit = 0; bit < 8 * sound.size(); ++bit) {
    if (!is_worth_a_try(sound, bit / 8)) continue;
    Bytes bad = sound;
    bad[bit / 8] ^= static_cast<std::uint8_t>(1U << (bit % 8));
    try {
      const PublicKey read = public_key_from_json(bad, "bad");
      CAPTURE(bit, std::string(bad.begin(), bad.end()));
      REQUIRE(read == key);
      ++harmless;
    } catch (const Error&) {
      continue;
    }
  }
  CHECK(harmless > 0);
  CHECK(harmless < 4 * sound.size());
}

TEST_CASE("no flipped bit turns a secret key file into another key") {
  const Bytes sound = sound_file("alice.key");
  const PublicKey key = secret_key_from_json(sound, "sound").public_key();
  for (std::size_t byte = 0; byte < sound.size(); ++byte) {
    if (!is_worth_a_try(sound, byte)) continue;
    Bytes bad = sound;
    bad[byte] ^= static_cast<std::uint8_t>(1U << (byte % 8));
    try {
      const SecretKey read = secret_key_from_json(bad, "bad");
      CAPTURE(byte, std::string(bad.begin(), bad.end()));
      REQUIRE(read.public_key() == key);
      REQUIRE(read.p().value() * read.q().value() == key.n());
    } catch (const Error&) {
      continue;
    }
  }
}
