#include "opaline/paillier/evaluator.h"

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

const PublicKey& key() { return sample_key().public_key(); }

/// The three roles on one backend.
struct Roles {
  explicit Roles(const Backend& backend)
      : encryptor(sample_key(), backend), evaluator(key(), backend), decryptor(sample_key(), backend) {}

  Encryptor encryptor;
  Evaluator evaluator;
  Decryptor decryptor;
};

template <typename Check>
void for_roles(const Check& check) {
  for (const Backend* const backend : supported_backends()) {
    CAPTURE(backend->name());
    check(Roles(*backend));
  }
}

}  // namespace

TEST_CASE("sums, differences and sums with constants are those of the integers mod n") {
  for_roles([](const Roles& roles) {
    CHECK(roles.evaluator.public_key() == key());
    const std::vector<Integer> x = sample_plaintexts(key(), 10);
    const std::vector<Ciphertext> c = roles.encryptor.encrypt(x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      for (const std::size_t j : {i, (i + 1) % x.size(), (i + 4) % x.size()}) {
        CHECK(roles.decryptor.decrypt(roles.evaluator.add(c[i], c[j])) == centred(x[i] + x[j], key()));
        CHECK(roles.decryptor.decrypt(roles.evaluator.subtract(c[i], c[j])) == centred(x[i] - x[j], key()));
        CHECK(roles.decryptor.decrypt(roles.evaluator.add_constant(c[i], x[j])) ==
              centred(x[i] + x[j], key()));
      }
      for (const Integer& k : {key().n(), Integer(-key().n()), Integer(key().n() * key().n() + 3)}) {
        CHECK(roles.decryptor.decrypt(roles.evaluator.add_constant(c[i], k)) == centred(x[i] + k, key()));
      }
    }
  });
}

TEST_CASE("multiples are those of the integers mod n") {
  for_roles([](const Roles& roles) {
    const Integer& n = key().n();
    std::vector<Integer> factors = {0, 1, -1, 2, -2, 255, -255, n, -n, n - 1, 1 - n, n / 2, -n / 2};
    for (int i = 0; i < 2; ++i) {
      factors.push_back(random_below(n));
      factors.push_back(-random_below(n));
    }
    for (const Integer& x : sample_plaintexts(key(), 8)) {
      const Ciphertext c = roles.encryptor.encrypt(x);
      for (const Integer& k : factors) {
        CHECK(roles.decryptor.decrypt(roles.evaluator.multiply_vartime(c, k)) == centred(k * x, key()));
      }
      for (const Integer& k : {Integer(n + 1), Integer(-n - 1)}) {
        CHECK(kind_of([&] { roles.evaluator.multiply_vartime(c, k); }) == ErrorKind::out_of_range);
      }
    }
  });
}

TEST_CASE("results are calculated with again") {
  for_roles([](const Roles& roles) {
    const Evaluator& e = roles.evaluator;
    const Ciphertext x = roles.encryptor.encrypt(1000);
    const Ciphertext y = roles.encryptor.encrypt(-7);
    // 3·(x − 2·y) + 5 − y
    const EvaluatedCiphertext difference = e.subtract(x, e.multiply_vartime(y, 2));
    const EvaluatedCiphertext result = e.subtract(e.add_constant(e.multiply_vartime(difference, 3), 5), y);
    CHECK(roles.decryptor.decrypt(result) == 3 * (1000 + 14) + 5 + 7);
    CHECK(roles.decryptor.decrypt(e.rerandomise(result)) == 3054);
  });
}

TEST_CASE("new noise leaves the plaintext and changes all else") {
  for_roles([](const Roles& roles) {
    const Integer order = (sample_key().p().value() - 1) * (sample_key().q().value() - 1);
    for (const std::size_t count : {0U, 1U, 7U, 8U, 9U, 17U}) {
      const std::vector<Integer> x = sample_plaintexts(key(), count);
      const std::vector<Ciphertext> c = roles.encryptor.encrypt(x);
      const std::vector<EvaluatedCiphertext> evaluated(c.begin(), c.end());
      const std::vector<Ciphertext> fresh = roles.evaluator.rerandomise(evaluated);
      CHECK(roles.decryptor.decrypt(fresh) == x);
      std::set<Integer> factors;
      for (std::size_t i = 0; i < count; ++i) {
        const Integer factor =
            fresh[i].value() * invert_vartime(c[i].value(), key().n_squared()) % key().n_squared();
        CHECK(factor != 1);
        CHECK(pow_mod(factor, order, key().n_squared()) == 1);
        CHECK(factors.insert(factor).second);
      }
    }
    const Ciphertext c = roles.encryptor.encrypt(42);
    CHECK(roles.evaluator.rerandomise(c).value() != roles.evaluator.rerandomise(c).value());
  });
}

TEST_CASE("ciphertexts under another key are refused everywhere") {
  for_roles([](const Roles& roles) {
    const Evaluator& e = roles.evaluator;
    const Ciphertext mine = roles.encryptor.encrypt(1);
    const Ciphertext foreign = Encryptor(other_key()).encrypt(1);
    const std::vector<std::int32_t> weights = {1, 1};
    const std::vector<Ciphertext> mixed = {mine, foreign};
    const std::vector<EvaluatedCiphertext> mixed_results = {mine, foreign};
    CHECK(kind_of([&] { e.add(mine, foreign); }) == ErrorKind::wrong_key);
    CHECK(kind_of([&] { e.add(foreign, mine); }) == ErrorKind::wrong_key);
    CHECK(kind_of([&] { e.subtract(mine, foreign); }) == ErrorKind::wrong_key);
    CHECK(kind_of([&] { e.subtract(foreign, mine); }) == ErrorKind::wrong_key);
    CHECK(kind_of([&] { e.add_constant(foreign, 1); }) == ErrorKind::wrong_key);
    CHECK(kind_of([&] { e.multiply_vartime(foreign, 1); }) == ErrorKind::wrong_key);
    CHECK(kind_of([&] { e.rerandomise(foreign); }) == ErrorKind::wrong_key);
    CHECK(kind_of([&] { e.rerandomise(mixed_results); }) == ErrorKind::wrong_key);
    CHECK(kind_of([&] { e.multiply(e.schedule({1, 2, weights, 4}), mixed); }) == ErrorKind::wrong_key);
  });
}

TEST_CASE("an evaluator can be moved") {
  Evaluator evaluator(key());
  Evaluator moved(std::move(evaluator));
  const Ciphertext c = Encryptor(sample_key()).encrypt(4);
  CHECK(Decryptor(sample_key()).decrypt(moved.add(c, c)) == 8);
  moved = Evaluator(other_key().public_key());
  CHECK(moved.public_key() == other_key().public_key());
}
