#include "opaline/paillier/ciphertext_vector.h"

#include <algorithm>
#include <catch2/catch.hpp>

#include "opaline/paillier/decryptor.h"
#include "opaline/paillier/encryptor.h"
#include "opaline/paillier/evaluator.h"
#include "sample_keys.h"
#include "support/error_kind.h"
#include "support/supported_backends.h"
#include "support/threads.h"

using namespace opaline;
using namespace opaline::test;

namespace {

const PublicKey& key() { return sample_key().public_key(); }

std::vector<Integer> decrypted(const std::vector<EvaluatedCiphertext>& ciphertexts) {
  const Decryptor decryptor(sample_key());
  std::vector<Integer> plaintexts;
  plaintexts.reserve(ciphertexts.size());
  for (const EvaluatedCiphertext& ciphertext : ciphertexts)
    plaintexts.push_back(decryptor.decrypt(ciphertext));
  return plaintexts;
}

}  // namespace

TEST_CASE("vectors of ciphertexts add and scale as the integers do") {
  const Encryptor encryptor(sample_key());
  for (const Backend* const backend : supported_backends()) {
    const Evaluator evaluator(key(), *backend);
    for (const std::size_t count : {0U, 1U, 7U, 8U, 9U, 300U}) {
      CAPTURE(backend->name(), count);
      const std::vector<Integer> x = sample_plaintexts(key(), count);
      std::vector<Integer> y = sample_plaintexts(key(), count);
      std::reverse(y.begin(), y.end());
      CiphertextVector sums = evaluator.load(encryptor.encrypt(x));
      CHECK(sums.size() == count);
      CHECK(sums.key() == key());
      CHECK(decrypted(evaluator.store(sums)) == x);
      evaluator.add_to(sums, evaluator.load(encryptor.encrypt(y)));
      evaluator.add_to(sums, sums);
      std::vector<Integer> expected;
      for (std::size_t i = 0; i < count; ++i) expected.push_back(centred(2 * (x[i] + y[i]), key()));
      CHECK(decrypted(evaluator.store(sums)) == expected);
    }
    for (const Integer& k : {Integer(0), Integer(1), Integer(-1), Integer(113), Integer(-113), key().n()}) {
      CAPTURE(backend->name(), k);
      const std::vector<Integer> x = sample_plaintexts(key(), 17);
      CiphertextVector products = evaluator.load(encryptor.encrypt(x));
      evaluator.multiply_by_vartime(products, k);
      std::vector<Integer> expected;
      expected.reserve(x.size());
      for (const Integer& one : x) expected.push_back(centred(k * one, key()));
      CHECK(decrypted(evaluator.store(products)) == expected);
    }
  }
}

TEST_CASE("the result does not depend on the number of threads") {
  const std::vector<Ciphertext> ciphertexts = Encryptor(sample_key()).encrypt(sample_plaintexts(key(), 300));
  const Evaluator evaluator(key());
  std::vector<std::vector<Integer>> results;
  for (const int count : {1, 2, 3}) {
    const Threads threads(count);
    CiphertextVector x = evaluator.load(ciphertexts);
    evaluator.add_to(x, x);
    evaluator.multiply_by_vartime(x, -5);
    results.push_back(decrypted(evaluator.store(x)));
  }
  CHECK(results[0] == results[1]);
  CHECK(results[0] == results[2]);
}

TEST_CASE("vectors that do not go together are refused") {
  const Encryptor encryptor(sample_key());
  const Evaluator evaluator(key());
  CiphertextVector two = evaluator.load(encryptor.encrypt(sample_plaintexts(key(), 2)));
  const CiphertextVector three = evaluator.load(encryptor.encrypt(sample_plaintexts(key(), 3)));
  CHECK(kind_of([&] { evaluator.add_to(two, three); }) == ErrorKind::invalid_argument);
  CHECK(kind_of([&] { evaluator.multiply_by_vartime(two, key().n() + 1); }) == ErrorKind::out_of_range);

  const Evaluator other(other_key().public_key());
  CHECK(kind_of([&] { other.add_to(two, two); }) == ErrorKind::wrong_key);
  CHECK(kind_of([&] { other.multiply_by_vartime(two, 2); }) == ErrorKind::wrong_key);
  CHECK(kind_of([&] { other.store(two); }) == ErrorKind::wrong_key);
  const std::vector<Ciphertext> foreign = encryptor.encrypt(sample_plaintexts(key(), 2));
  CHECK(kind_of([&] { other.load(foreign); }) == ErrorKind::wrong_key);

  for (const Backend* const backend : supported_backends()) {
    if (backend == &default_backend()) continue;
    const Evaluator elsewhere(key(), *backend);
    CHECK(kind_of([&] { elsewhere.store(two); }) == ErrorKind::invalid_argument);
  }
}
