#include "opaline/paillier/ciphertext.h"

#include <catch2/catch.hpp>
#include <concepts>
#include <string>
#include <type_traits>

#include "opaline/paillier/decryptor.h"
#include "opaline/paillier/encryptor.h"
#include "opaline/paillier/evaluator.h"
#include "sample_keys.h"
#include "support/error_kind.h"

using namespace opaline;
using namespace opaline::test;

namespace {

template <typename T>
concept CanBeWritten = requires(const T& value) {
  value.to_bytes();
};
template <typename T>
concept ShowsItsValue = requires(const T& value) {
  value.value();
};

// A mistake with the result of a calculation is a compile error: it has no bytes, and does not become a
// ciphertext that has.
static_assert(CanBeWritten<Ciphertext> && ShowsItsValue<Ciphertext>);
static_assert(!CanBeWritten<EvaluatedCiphertext> && !ShowsItsValue<EvaluatedCiphertext>);
static_assert(std::is_convertible_v<Ciphertext, EvaluatedCiphertext>);
static_assert(!std::is_convertible_v<EvaluatedCiphertext, Ciphertext>);
static_assert(!std::is_constructible_v<Ciphertext, EvaluatedCiphertext>);
static_assert(!std::is_assignable_v<Ciphertext&, EvaluatedCiphertext>);

// Neither is made of a number that nobody has checked.
static_assert(!std::is_constructible_v<Ciphertext, PublicKey, Integer>);
static_assert(!std::is_constructible_v<EvaluatedCiphertext, PublicKey, Integer>);

// Results say what they are.
template <typename... Arguments>
using Sum = decltype(std::declval<const Evaluator&>().add(std::declval<Arguments>()...));
static_assert(std::is_same_v<Sum<Ciphertext, Ciphertext>, EvaluatedCiphertext>);
static_assert(std::is_same_v<decltype(std::declval<const Evaluator&>().rerandomise(
                                 std::declval<const EvaluatedCiphertext&>())),
                             Ciphertext>);

// Secrets move and are not copied, and a public key does not become a secret one, nor the other way by
// accident.
static_assert(std::is_nothrow_move_constructible_v<SecretKey>);
static_assert(!std::is_copy_constructible_v<SecretKey> && !std::is_copy_assignable_v<SecretKey>);
static_assert(!std::is_copy_constructible_v<SecretKey::Generator>);
static_assert(!std::is_convertible_v<SecretKey, PublicKey> && !std::is_constructible_v<PublicKey, SecretKey>);
static_assert(!std::is_constructible_v<SecretKey, PublicKey>);
static_assert(!std::is_convertible_v<Integer, PublicKey>);

// Roles are built from the keys they need.
static_assert(!std::is_constructible_v<Decryptor, PublicKey> &&
              std::is_constructible_v<Decryptor, const SecretKey&>);
static_assert(!std::is_convertible_v<const SecretKey&, Encryptor>);
static_assert(!std::is_copy_constructible_v<Encryptor> && !std::is_copy_constructible_v<Decryptor>);

const PublicKey& key() { return sample_key().public_key(); }

Bytes bytes_of(std::initializer_list<Integer> values) {
  Bytes bytes;
  for (const Integer& value : values) {
    const Bytes part = to_bytes(value, key().ciphertext_bytes());
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
  return bytes;
}

void check_refused(const Bytes& bytes, const std::string& why) {
  const auto error = error_of([&] { parse_ciphertexts(key(), bytes); });
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::invalid_ciphertext);
  CAPTURE(error->what());
  CHECK(std::string(error->what()).find(why) != std::string::npos);
}

}  // namespace

TEST_CASE("ciphertexts go to bytes and back") {
  const std::vector<Integer> plaintexts = sample_plaintexts(key(), 9);
  const std::vector<Ciphertext> ciphertexts = Encryptor(sample_key()).encrypt(plaintexts);
  Bytes bytes;
  for (const Ciphertext& ciphertext : ciphertexts) {
    const Bytes part = ciphertext.to_bytes();
    CHECK(part.size() == 256);
    CHECK(from_bytes(part) == ciphertext.value());
    bytes.insert(bytes.end(), part.begin(), part.end());
  }
  const std::vector<Ciphertext> parsed = parse_ciphertexts(key(), bytes);
  CHECK(Decryptor(sample_key()).decrypt(parsed) == plaintexts);
  CHECK(parse_ciphertexts(key(), {}).empty());
}

TEST_CASE("numbers that are no ciphertexts are refused, and the first of them is named") {
  const Integer& n = key().n();
  const Integer& square = key().n_squared();
  const Integer good = 12345;
  CHECK(parse_ciphertexts(key(), bytes_of({good, square - 1, 1})).size() == 3);

  check_refused(bytes_of({good, 0}), "ciphertext 1 is 0");
  check_refused(bytes_of({good, good, square}), "ciphertext 2 is not below n^2");
  check_refused(bytes_of({square + 1}), "ciphertext 0 is not below n^2");
  check_refused(Bytes(key().ciphertext_bytes(), 0xff), "ciphertext 0 is not below n^2");
  for (const Integer& bad :
       {n, Integer(2 * n), Integer(square - n), sample_key().p().value(), sample_key().q().value(),
        Integer(sample_key().p().value() * sample_key().p().value()),
        Integer(square - sample_key().p().value()), Integer(sample_key().q().value() * 3)}) {
    check_refused(bytes_of({bad}), "ciphertext 0 is not a unit");
    check_refused(bytes_of({good, good, bad, good}), "ciphertext 2 is not a unit");
  }
  check_refused(bytes_of({good, sample_key().p().value(), sample_key().q().value()}),
                "ciphertext 1 is not a unit");
}

TEST_CASE("bytes that are no whole number of ciphertexts are refused") {
  const std::size_t width = key().ciphertext_bytes();
  for (const std::size_t size : {std::size_t{1}, width - 1, width + 1, 2 * width - 1, 3 * width + 8}) {
    check_refused(Bytes(size, 1), std::to_string(size) + " bytes are no whole number");
  }
}
