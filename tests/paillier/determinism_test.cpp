#include <catch2/catch.hpp>

#include "opaline/paillier/decryptor.h"
#include "opaline/paillier/encryptor.h"
#include "opaline/paillier/evaluator.h"
#include "sample_keys.h"
#include "support/fixed_random.h"
#include "support/supported_backends.h"
#include "support/threads.h"

// With the system's randomness replaced by a repeatable sequence (support/fixed_random.cpp), every backend
// must give the same bytes. One thread: with several, which ciphertext gets which part of the sequence is
// open.

using namespace opaline;
using namespace opaline::test;

namespace {

constexpr std::size_t kCounts[] = {1, 7, 8, 9, 17};

/// The bytes that make(backend) gives after the same randomness on every backend, which must agree.
template <typename Make>
void check_same_on_all_backends(const Make& make) {
  const Threads threads(1);
  std::vector<Bytes> first;
  for (const Backend* const backend : supported_backends()) {
    CAPTURE(backend->name());
    restart_random(2024);
    std::vector<Bytes> bytes;
    for (const Ciphertext& ciphertext : make(*backend)) bytes.push_back(ciphertext.to_bytes());
    if (first.empty()) first = bytes;
    CHECK(bytes == first);
  }
}

}  // namespace

TEST_CASE("the randomness is replaced") {
  restart_random(1);
  const Integer first = random_below(Integer(1) << 256);
  CHECK(random_below(Integer(1) << 256) != first);
  restart_random(1);
  CHECK(random_below(Integer(1) << 256) == first);
}

TEST_CASE("encryption gives the same bytes on every backend") {
  imported_key();  // is checked with random numbers when it is made
  for (const std::size_t count : kCounts) {
    const std::vector<Integer> plaintexts = sample_plaintexts(sample_key().public_key(), count);
    check_same_on_all_backends(
        [&](const Backend& backend) { return Encryptor(sample_key(), backend).encrypt(plaintexts); });
    check_same_on_all_backends(
        [&](const Backend& backend) { return Encryptor(imported_key(), backend).encrypt(plaintexts); });
    check_same_on_all_backends([&](const Backend& backend) {
      return Encryptor(sample_key().public_key(), backend).encrypt(plaintexts);
    });
  }
}

TEST_CASE("evaluation and new noise give the same bytes on every backend") {
  const std::vector<Integer> plaintexts = sample_plaintexts(sample_key().public_key(), 19);
  const std::vector<Ciphertext> inputs = Encryptor(sample_key()).encrypt(plaintexts);
  for (const std::size_t outputs : kCounts) {
    std::vector<std::int32_t> weights;
    for (std::size_t i = 0; i < outputs * inputs.size(); ++i) {
      weights.push_back(static_cast<std::int32_t>(i * i % 61) - 30);
    }
    check_same_on_all_backends([&](const Backend& backend) {
      const Evaluator evaluator(sample_key().public_key(), backend);
      return evaluator.rerandomise(
          evaluator.multiply(evaluator.schedule({outputs, inputs.size(), weights, 6}), inputs));
    });
  }
}

TEST_CASE("the same randomness gives the same key") {
  const Threads threads(1);
  restart_random(5);
  const SecretKey first = SecretKey::generate(1024);
  restart_random(5);
  const SecretKey second = SecretKey::generate(1024);
  CHECK(first.p().value() == second.p().value());
  CHECK(first.q().value() == second.q().value());
  CHECK(first.generator_p()->h.value() == second.generator_p()->h.value());
  restart_random(6);
  CHECK(SecretKey::generate(1024).p().value() != first.p().value());
}

TEST_CASE("evaluation without noise does not depend on threads") {
  // One r^n for all: what is compared is the product under it.
  const std::vector<Integer> plaintexts = sample_plaintexts(sample_key().public_key(), 19);
  const std::vector<Ciphertext> inputs = Encryptor(sample_key()).encrypt(plaintexts);
  const std::vector<std::int32_t> weights(19, -3);
  for (const Backend* const backend : supported_backends()) {
    std::vector<Bytes> results;
    for (const int count : {1, 2, 3}) {
      const Threads threads(count);
      const Evaluator evaluator(sample_key().public_key(), *backend);  // without noise of the round before
      const auto product = evaluator.multiply(evaluator.schedule({1, 19, weights, 3}), inputs);
      restart_random(9);
      results.push_back(evaluator.rerandomise(product.front()).to_bytes());
    }
    CHECK(results[0] == results[1]);
    CHECK(results[0] == results[2]);
  }
}
