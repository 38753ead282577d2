#include <catch2/catch.hpp>
#include <random>
#include <vector>

#include "fault_outcomes.h"
#include "opaline/paillier/decryptor.h"
#include "opaline/paillier/encryptor.h"
#include "sample_keys.h"
#include "support/error_kind.h"
#include "support/faulty_backend.h"
#include "support/supported_backends.h"
#include "support/threads.h"
#include "support/watched_backend.h"

using namespace opaline;
using namespace opaline::test;

namespace {

/// Makes a party with one fault, then lets it work without any. Each time what it gives out must be right, or
/// nothing be given out and Error(fault) say why.
template <typename Make, typename IsRight>
FaultOutcomes with_faults_in_the_making(const Backend& base, const Make& make, const IsRight& is_right) {
  const Threads threads(1);
  std::mt19937_64 random(11);
  FaultyBackend faulty(base);
  faulty.calm();
  make(faulty.backend());
  const std::size_t results = faulty.results();
  FaultOutcomes outcomes;
  for (int i = 0; i < 60; ++i) {
    const std::size_t result = random() % results;
    const std::size_t bit = random() % (std::size_t{1} << 20U);
    CAPTURE(base.name(), base.lanes(), result, bit);
    faulty.strike(result, bit);
    bool released_wrong = false;
    const auto kind = kind_of([&] {
      const auto party = make(faulty.backend());
      faulty.calm();
      for (int times = 0; times < 3; ++times) released_wrong = released_wrong || !is_right(party);
    });
    CHECK_FALSE(released_wrong);
    if (kind) CHECK(kind == ErrorKind::fault);
    ++(kind ? outcomes.refused : outcomes.right);
  }
  return outcomes;
}

const std::vector<Integer> kPlaintexts = {123456789, -1, 0, 7, 8, 9, 10, 11, 12, 13};

}  // namespace

TEST_CASE("a bit turned over while an owner's tables were made is found when they are used") {
  const Decryptor decryptor(sample_key());
  for (const SecretKey* const key : {&sample_key(), &imported_key()}) {
    for (const Backend* const backend : supported_backends()) {
      const FaultOutcomes outcomes = with_faults_in_the_making(
          *backend, [key](const Backend& with) { return Encryptor(*key, with); },
          [&](const Encryptor& encryptor) {
            return decryptor.decrypt(encryptor.encrypt(kPlaintexts)) == kPlaintexts;
          });
      CHECK(outcomes.refused > 0);
    }
  }
}

TEST_CASE("a bit turned over while a decryptor was made is found when it is used") {
  const std::vector<Ciphertext> ciphertexts = Encryptor(sample_key().public_key()).encrypt(kPlaintexts);
  for (const Backend* const backend : supported_backends()) {
    const FaultOutcomes outcomes = with_faults_in_the_making(
        *backend, [](const Backend& with) { return Decryptor(sample_key(), with); },
        [&](const Decryptor& decryptor) { return decryptor.decrypt(ciphertexts) == kPlaintexts; });
    CHECK(outcomes.refused > 0);
  }
}

TEST_CASE("a wrong constant of an owner's is found where the plaintexts come to zero, too") {
  const Decryptor decryptor(sample_key());
  const Threads threads(1);
  const std::vector<Integer> plaintexts = {5, -5, 0};
  for (const SecretKey* const key : {&sample_key(), &imported_key()}) {
    for (const Backend* const backend : supported_backends()) {
      constexpr std::size_t kNever = ~std::size_t{0};
      std::vector<Operation> made;
      std::size_t struck = kNever;
      const WatchedBackend watched(*backend, [&](Operation operation, std::span<Word> result) {
        if (made.size() == struck) result[0] ^= 8;
        made.push_back(operation);
      });
      static_cast<void>(Encryptor(*key, watched));
      const std::vector<Operation> operations = made;
      std::size_t refused = 0;
      for (std::size_t i = 0; i < operations.size(); ++i) {
        if (operations[i] != Operation::load && operations[i] != Operation::load_half) continue;
        CAPTURE(backend->name(), backend->lanes(), i);
        made.clear();
        struck = i;
        std::vector<Ciphertext> released;
        const auto kind = kind_of([&] { released = Encryptor(*key, watched).encrypt(plaintexts); });
        struck = kNever;
        if (kind) {
          CHECK(kind == ErrorKind::fault);
          ++refused;
        } else {
          CHECK(decryptor.decrypt(released) == plaintexts);
        }
      }
      CHECK(refused > 0);
    }
  }
}

TEST_CASE("a bit turned over anywhere in an owner's encryption is found, or was of no account") {
  const Decryptor decryptor(sample_key());
  const Threads threads(1);
  for (const SecretKey* const key : {&sample_key(), &imported_key()}) {
    for (const Backend* const backend : supported_backends()) {
      FaultyBackend faulty(*backend);
      const Encryptor encryptor(*key, faulty.backend());
      faulty.calm();
      REQUIRE(decryptor.decrypt(encryptor.encrypt(kPlaintexts)) == kPlaintexts);
      const std::size_t results = faulty.results();
      std::size_t refused = 0;
      for (std::size_t result = 0; result < results; result += 1 + results / 400) {
        CAPTURE(backend->name(), backend->lanes(), result);
        faulty.strike(result, result * 37);
        std::vector<Ciphertext> released;
        const auto kind = kind_of([&] { released = encryptor.encrypt(kPlaintexts); });
        faulty.calm();
        if (kind) {
          CHECK(kind == ErrorKind::fault);
          ++refused;
        } else {
          CHECK(decryptor.decrypt(released) == kPlaintexts);
        }
      }
      CHECK(refused > results / (1 + results / 400) / 8);
    }
  }
}

TEST_CASE("a bit turned over anywhere in one decryption is found, or was of no account") {
  // Every lane, every half, every operation of one decryption, one bit each.
  const std::vector<Ciphertext> one = Encryptor(sample_key().public_key()).encrypt({kPlaintexts.data(), 1});
  const Threads threads(1);
  for (const Backend* const backend : supported_backends()) {
    FaultyBackend faulty(*backend);
    const Decryptor decryptor(sample_key(), faulty.backend());
    faulty.calm();
    REQUIRE(decryptor.decrypt(one).front() == kPlaintexts.front());
    const std::size_t results = faulty.results();
    std::size_t refused = 0;
    for (std::size_t result = 0; result < results; result += 5) {
      CAPTURE(backend->name(), backend->lanes(), result);
      faulty.strike(result, result * 37);
      Integer released = kPlaintexts.front();
      const auto kind = kind_of([&] { released = decryptor.decrypt(one).front(); });
      CHECK(released == kPlaintexts.front());
      if (kind) CHECK(kind == ErrorKind::fault);
      if (kind) ++refused;
    }
    CHECK(refused > 0);
  }
}
