#include <catch2/catch.hpp>
#include <set>

#include "opaline/paillier/decryptor.h"
#include "opaline/paillier/encryptor.h"
#include "sample_keys.h"
#include "support/error_kind.h"
#include "support/supported_backends.h"
#include "support/threads.h"

using namespace opaline;
using namespace opaline::test;

namespace {

/// check(encryptor, backend) with all sources of uniform noise on every supported backend.
template <typename Check>
void for_uniform_encryptors(const Check& check) {
  for (const Backend* const backend : supported_backends()) {
    CAPTURE(backend->name());
    SECTION(std::string(backend->name()) + ", public key") {
      check(Encryptor(sample_key().public_key(), *backend), *backend);
    }
    SECTION(std::string(backend->name()) + ", secret key, noise kept ready") {
      check(Encryptor(sample_key(), *backend, {PublicNoiseKind::full_length, 5}), *backend);
    }
    SECTION(std::string(backend->name()) + ", secret key with generators") {
      check(Encryptor(sample_key(), *backend), *backend);
    }
    SECTION(std::string(backend->name()) + ", secret key without generators") {
      check(Encryptor(imported_key(), *backend), *backend);
    }
  }
}

/// The same with the noise of Damgård, Jurik and Nielsen too, which is not uniform.
template <typename Check>
void for_encryptors(const Check& check) {
  for_uniform_encryptors(check);
  for (const Backend* const backend : supported_backends()) {
    SECTION(std::string(backend->name()) + ", public key, noise of Damgård, Jurik, Nielsen") {
      check(Encryptor(sample_key().public_key(), *backend, {PublicNoiseKind::djn, 0}), *backend);
    }
  }
}

/// The number a plaintext was hidden with: c·(1 + m·n)^−1 mod n².
Integer noise_of(const Ciphertext& ciphertext, const Integer& plaintext) {
  const PublicKey& key = ciphertext.key();
  return ciphertext.value() * (1 + floor_mod(-plaintext, key.n()) * key.n()) % key.n_squared();
}

}  // namespace

TEST_CASE("what is encrypted is decrypted, one by one and many, in order") {
  for_encryptors([](const Encryptor& encryptor, const Backend& backend) {
    CHECK(encryptor.public_key() == sample_key().public_key());
    const Decryptor decryptor(sample_key(), backend);
    CHECK(decryptor.public_key() == sample_key().public_key());
    for (const std::size_t count : {0U, 1U, 7U, 8U, 9U, 17U}) {
      const std::vector<Integer> plaintexts = sample_plaintexts(sample_key().public_key(), count);
      const std::vector<Ciphertext> ciphertexts = encryptor.encrypt(plaintexts);
      CHECK(decryptor.decrypt(ciphertexts) == plaintexts);
    }
    for (const Integer& plaintext : sample_plaintexts(sample_key().public_key(), 8)) {
      const Ciphertext ciphertext = encryptor.encrypt(plaintext);
      CHECK(ciphertext.key() == sample_key().public_key());
      CHECK(ciphertext.value() > 0);
      CHECK(ciphertext.value() < sample_key().public_key().n_squared());
      CHECK(gcd_vartime(ciphertext.value(), sample_key().public_key().n()) == 1);
      CHECK(decryptor.decrypt(ciphertext) == plaintext);
    }
  });
}

TEST_CASE("a plaintext outside (-n/2, n/2) is refused") {
  for_encryptors([](const Encryptor& encryptor, const Backend& /*backend*/) {
    const Integer& n = sample_key().public_key().n();
    for (const Integer& bad : {Integer((n + 1) / 2), Integer(-(n + 1) / 2), n, Integer(-n), Integer(n * n)}) {
      CHECK(kind_of([&] { encryptor.encrypt(bad); }) == ErrorKind::out_of_range);
      CHECK(kind_of([&] { encryptor.encrypt(std::vector<Integer>{1, 2, bad}); }) == ErrorKind::out_of_range);
    }
  });
}

TEST_CASE("residues of any length go the same way as integers") {
  for_encryptors([](const Encryptor& encryptor, const Backend& backend) {
    const Decryptor decryptor(sample_key(), backend);
    const PublicKey& key = sample_key().public_key();
    const std::vector<Integer> numbers = {0, 1, 5, (key.n() - 1) / 2, (key.n() + 1) / 2, key.n() - 1};
    PlaintextVector plaintexts(key, numbers.size());
    REQUIRE(plaintexts.size() == numbers.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) to_words(numbers[i], plaintexts[i]);
    const std::vector<Ciphertext> ciphertexts = encryptor.encrypt(plaintexts);
    const PlaintextVector residues = decryptor.decrypt_residues(ciphertexts);
    REQUIRE(residues.size() == numbers.size());
    CHECK(residues.key() == key);
    const std::vector<Integer> integers = decryptor.decrypt(ciphertexts);
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      CHECK(residues[i].size() == words_for(key.bits()));
      CHECK(from_words(residues[i]) == numbers[i]);
      CHECK(floor_mod(integers[i], key.n()) == numbers[i]);
    }
    CHECK(encryptor.encrypt(PlaintextVector(key, 0)).empty());
    CHECK(decryptor.decrypt_residues({}).size() == 0);
  });
}

TEST_CASE("residues that are not below n, or of another key, are refused") {
  for_encryptors([](const Encryptor& encryptor, const Backend& /*backend*/) {
    const PublicKey& key = sample_key().public_key();
    for (const Integer& bad : {key.n(), Integer(key.n() + 1), Integer((Integer(1) << key.bits()) - 1)}) {
      for (const std::size_t place : {0U, 2U}) {
        PlaintextVector plaintexts(key, 3);
        to_words(bad, plaintexts[place]);
        CHECK(kind_of([&] { encryptor.encrypt(plaintexts); }) == ErrorKind::out_of_range);
      }
    }
    CHECK(kind_of([&] { encryptor.encrypt(PlaintextVector(other_key().public_key(), 1)); }) ==
          ErrorKind::wrong_key);
  });
  const std::vector<Ciphertext> foreign = {Encryptor(other_key()).encrypt(1)};
  CHECK(kind_of([&] { Decryptor(sample_key()).decrypt_residues(foreign); }) == ErrorKind::wrong_key);
}

TEST_CASE("noise is an n-th residue, and never the same twice") {
  for_encryptors([](const Encryptor& encryptor, const Backend& /*backend*/) {
    const SecretKey& key = sample_key();
    const Integer order = (key.p().value() - 1) * (key.q().value() - 1);
    const std::vector<Integer> plaintexts = sample_plaintexts(key.public_key(), 20);
    const std::vector<Ciphertext> ciphertexts = encryptor.encrypt(plaintexts);
    std::set<Integer> seen;
    for (std::size_t i = 0; i < plaintexts.size(); ++i) {
      const Integer noise = noise_of(ciphertexts[i], plaintexts[i]);
      CHECK(pow_mod(noise, order, key.public_key().n_squared()) == 1);
      CHECK(noise != 1);
      CHECK(seen.insert(noise % key.p().value()).second);
      CHECK(seen.insert(noise % key.q().value()).second);
    }
  });
}

TEST_CASE("noise is a square mod p half of the time, mod q half of the time, and neither tells the other") {
  for_uniform_encryptors([](const Encryptor& encryptor, const Backend& /*backend*/) {
    const SecretKey& key = sample_key();
    constexpr int kDraws = 400;
    int cells[2][2] = {};
    for (const Ciphertext& ciphertext : encryptor.encrypt(std::vector<Integer>(kDraws, 0))) {
      const bool square_p = pow_mod(ciphertext.value(), (key.p().value() - 1) / 2, key.p().value()) == 1;
      const bool square_q = pow_mod(ciphertext.value(), (key.q().value() - 1) / 2, key.q().value()) == 1;
      ++cells[square_p ? 1 : 0][square_q ? 1 : 0];
    }
    double chi_square = 0;
    for (const auto& row : cells) {
      for (const int n : row) chi_square += (n - kDraws / 4.0) * (n - kDraws / 4.0) / (kDraws / 4.0);
    }
    CHECK(chi_square < 50);  // three degrees of freedom: by chance less than once in 10^10 runs
  });
}

TEST_CASE("noise of Damgård, Jurik and Nielsen is a square mod p where it is one mod q") {
  // Why a server must never use it (SECURITY.md): whoever holds p and q reads a bit of its exponent.
  const SecretKey& key = sample_key();
  const Encryptor encryptor(key.public_key(), default_backend(), {PublicNoiseKind::djn, 0});
  int squares = 0;
  for (const Ciphertext& ciphertext : encryptor.encrypt(std::vector<Integer>(64, 0))) {
    const bool square_p = pow_mod(ciphertext.value(), (key.p().value() - 1) / 2, key.p().value()) == 1;
    CHECK(square_p == (pow_mod(ciphertext.value(), (key.q().value() - 1) / 2, key.q().value()) == 1));
    squares += square_p ? 1 : 0;
  }
  CHECK(squares > 0);
  CHECK(squares < 64);
}

TEST_CASE("ciphertexts of one plaintext differ") {
  for_encryptors([](const Encryptor& encryptor, const Backend& /*backend*/) {
    std::set<Integer> seen;
    for (const Ciphertext& ciphertext : encryptor.encrypt(std::vector<Integer>(33, 5))) {
      CHECK(seen.insert(ciphertext.value()).second);
    }
  });
}

TEST_CASE("encryptors and decryptors can be moved") {
  Encryptor encryptor(sample_key());
  Encryptor moved(std::move(encryptor));
  Decryptor decryptor(sample_key());
  Decryptor moved_decryptor(std::move(decryptor));
  CHECK(moved_decryptor.decrypt(moved.encrypt(-7)) == -7);
  moved = Encryptor(other_key());
  moved_decryptor = Decryptor(other_key());
  CHECK(moved_decryptor.decrypt(moved.encrypt(-8)) == -8);
}

TEST_CASE("a ciphertext under another key is refused") {
  const Decryptor decryptor(sample_key());
  const Encryptor encryptor(other_key().public_key());
  CHECK(kind_of([&] { decryptor.decrypt(encryptor.encrypt(1)); }) == ErrorKind::wrong_key);
  const std::vector<Integer> two = {1, 2};
  std::vector<Ciphertext> mixed = Encryptor(sample_key()).encrypt(two);
  mixed.push_back(encryptor.encrypt(3));
  CHECK(kind_of([&] { decryptor.decrypt(mixed); }) == ErrorKind::wrong_key);
}

TEST_CASE("plaintexts do not depend on the number of threads") {
  for_encryptors([](const Encryptor& encryptor, const Backend& backend) {
    const Decryptor decryptor(sample_key(), backend);
    const std::vector<Integer> plaintexts = sample_plaintexts(sample_key().public_key(), 25);
    for (const int count : {1, 2, 3, 8}) {
      const Threads threads(count);
      CHECK(decryptor.decrypt(encryptor.encrypt(plaintexts)) == plaintexts);
    }
  });
}

TEST_CASE("keys of other sizes encrypt and decrypt") {
  // 1026 bits: n² does not fill its bytes. 2048: the size of a real key.
  for (const std::size_t bits : {1026U, 1028U, 2048U}) {
    CAPTURE(bits);
    const SecretKey key = SecretKey::generate(bits);
    CHECK(key.public_key().bits() == bits);
    CHECK(256 * key.public_key().n_squared() > Integer(1) << static_cast<unsigned>(2 * bits));
    for (const Backend* const backend : supported_backends()) {
      const Decryptor decryptor(key, *backend);
      const std::vector<Integer> plaintexts = sample_plaintexts(key.public_key(), 9);
      for (const bool owner : {true, false}) {
        const Encryptor encryptor = owner ? Encryptor(key, *backend) : Encryptor(key.public_key(), *backend);
        const std::vector<Ciphertext> ciphertexts = encryptor.encrypt(plaintexts);
        CHECK(decryptor.decrypt(ciphertexts) == plaintexts);
        for (const Ciphertext& ciphertext : ciphertexts) {
          CHECK(ciphertext.to_bytes().size() == (2 * bits + 7) / 8);
          CHECK(parse_ciphertexts(key.public_key(), ciphertext.to_bytes()).front().value() ==
                ciphertext.value());
        }
      }
    }
  }
}
