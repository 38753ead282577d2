#include <catch2/catch.hpp>
#include <limits>
#include <random>
#include <set>

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

/// Inputs of a query, encrypted once: small ones of both signs, zeros, the extreme plaintexts.
struct Query {
  Query() {
    std::mt19937_64 engine(7);
    inputs = sample_plaintexts(key(), 10);
    while (inputs.size() < 200) inputs.push_back(Integer(engine() % 512) - 255);
    ciphertexts = Encryptor(sample_key()).encrypt(inputs);
  }

  std::vector<Integer> inputs;
  std::vector<Ciphertext> ciphertexts;
};

const Query& query() {
  static const Query instance;
  return instance;
}

std::vector<Integer> products(const WeightMatrix& matrix) {
  std::vector<Integer> results(matrix.outputs);
  for (std::size_t k = 0; k < matrix.outputs; ++k) {
    for (std::size_t j = 0; j < matrix.inputs; ++j) {
      results[k] += matrix.values[k * matrix.inputs + j] * query().inputs[j];
    }
    results[k] = centred(results[k], key());
  }
  return results;
}

std::vector<Integer> encrypted_products(const WeightMatrix& matrix, const Backend& backend) {
  const Evaluator evaluator(key(), backend);
  const Decryptor decryptor(sample_key(), backend);
  std::vector<Integer> results;
  for (const EvaluatedCiphertext& product :
       evaluator.multiply(evaluator.schedule(matrix), std::span(query().ciphertexts).first(matrix.inputs))) {
    results.push_back(decryptor.decrypt(product));
  }
  return results;
}

void check_matrix(std::size_t outputs, std::size_t inputs, unsigned bits,
                  const std::vector<std::int32_t>& weights) {
  const WeightMatrix matrix{outputs, inputs, weights, bits};
  for (const Backend* const backend : supported_backends()) {
    CAPTURE(backend->name(), outputs, inputs, bits);
    CHECK(encrypted_products(matrix, *backend) == products(matrix));
  }
}

std::int32_t largest(unsigned bits) { return (std::int32_t{1} << (bits - 1)) - 1; }

std::vector<std::int32_t> random_weights(std::size_t count, unsigned bits) {
  std::mt19937_64 engine(bits);
  std::vector<std::int32_t> weights(count);
  for (std::int32_t& weight : weights) {
    const auto range = 2 * static_cast<std::uint64_t>(largest(bits)) + 1;
    weight = static_cast<std::int32_t>(engine() % range) - largest(bits);
  }
  return weights;
}

}  // namespace

TEST_CASE("encrypted products with random matrices are exact") {
  for (const auto& [outputs, inputs] :
       {std::pair<std::size_t, std::size_t>{1, 1}, {3, 5}, {10, 33}, {2, 200}}) {
    for (const unsigned bits : {2U, 4U, 8U, 13U, 24U}) {
      check_matrix(outputs, inputs, bits, random_weights(outputs * inputs, bits));
    }
  }
}

TEST_CASE("every weight width is exact") {
  for (unsigned bits = 2; bits <= 24; ++bits) check_matrix(2, 12, bits, random_weights(24, bits));
}

TEST_CASE("every number of inputs around the number of lanes is exact") {
  for (std::size_t inputs = 1; inputs <= 20; ++inputs)
    check_matrix(2, inputs, 5, random_weights(2 * inputs, 5));
}

TEST_CASE("extreme weights are exact") {
  for (const unsigned bits : {2U, 8U, 9U, 24U}) {
    const std::int32_t most = largest(bits);
    check_matrix(1, 30, bits, std::vector<std::int32_t>(30, most));
    check_matrix(1, 30, bits, std::vector<std::int32_t>(30, -most));
    check_matrix(1, 30, bits, std::vector<std::int32_t>(30, 0));
    check_matrix(3, 3, bits, {most, 0, -most, 0, 0, 0, -most, 1, most});
    // Powers of two and their neighbours: digits of zeros and of ones.
    std::vector<std::int32_t> edges;
    for (unsigned bit = 0; bit + 1 < bits; ++bit) {
      edges.push_back(std::int32_t{1} << bit);
      edges.push_back(-(std::int32_t{1} << bit) + 1);
    }
    check_matrix(1, edges.size(), bits, edges);
  }
}

TEST_CASE("more inputs than are inverted together are exact") {
  // Inversion goes by segments; the portable backend has one input a row.
  constexpr std::size_t kInputs = 300;
  std::vector<Integer> inputs;
  for (std::size_t i = 0; i < kInputs; ++i) inputs.emplace_back(i);
  const std::vector<Ciphertext> ciphertexts = Encryptor(sample_key()).encrypt(inputs);
  const std::vector<std::int32_t> weights = random_weights(kInputs, 3);
  Integer expected = 0;
  for (std::size_t i = 0; i < kInputs; ++i) expected += weights[i] * inputs[i];
  for (const Backend* const backend : supported_backends()) {
    const Evaluator evaluator(key(), *backend);
    const auto product = evaluator.multiply(evaluator.schedule({1, kInputs, weights, 3}), ciphertexts);
    CHECK(Decryptor(sample_key()).decrypt(product.front()) == expected);
  }
}

TEST_CASE("many outputs share tables of powers, few use buckets, and both are exact") {
  const auto method = [](std::size_t outputs, std::size_t inputs, unsigned bits) {
    const std::vector<std::int32_t> weights(outputs * inputs, 1);
    return MatrixSchedule({outputs, inputs, weights, bits}, 8).method();
  };
  CHECK(method(10, 784, 6) == MatrixSchedule::Method::buckets);
  CHECK(method(500, 784, 6) == MatrixSchedule::Method::powers);
  CHECK(method(60, 5, 5) == MatrixSchedule::Method::powers);
  for (const unsigned bits : {2U, 5U, 7U}) check_matrix(60, 5, bits, random_weights(300, bits));
  check_matrix(25, 20, 6, random_weights(500, 6));
}

TEST_CASE("what a schedule costs depends on shape and bits only, and is the least there is") {
  for (const auto& [outputs, inputs] : {std::pair<std::size_t, std::size_t>{1, 1}, {10, 784}, {300, 30}}) {
    for (const unsigned bits : {2U, 6U, 12U}) {
      const std::vector<std::int32_t> zeros(outputs * inputs, 0);
      const std::vector<std::int32_t> weights = random_weights(outputs * inputs, bits);
      const MatrixSchedule empty({outputs, inputs, zeros, bits}, 8);
      const MatrixSchedule full({outputs, inputs, weights, bits}, 8);
      CHECK(empty.products() == full.products());
      CHECK(empty.method() == full.method());
      CHECK(empty.digit_bits() == full.digit_bits());
      CHECK(full.digits() * full.digit_bits() >= bits - 1);
      // Bit by bit, the simplest way.
      CHECK(full.products() <= outputs * (bits - 1) * (full.rows() + 5));
      CHECK(2 * full.rows() * (std::size_t{1} << full.digit_bits()) <=
            (full.method() == MatrixSchedule::Method::powers ? MatrixSchedule::kMostPowers
                                                             : std::size_t{1} << 40));
    }
  }
}

TEST_CASE("products, constants and new noise in one give what they give one by one") {
  const std::vector<std::int32_t> weights = random_weights(330, 6);
  const WeightMatrix matrix{11, 30, weights, 6};
  std::vector<Integer> constants = sample_plaintexts(key(), 11);
  std::vector<Integer> expected = products(matrix);
  for (std::size_t k = 0; k < expected.size(); ++k) expected[k] = centred(expected[k] + constants[k], key());
  const auto inputs = std::span(query().ciphertexts).first(30);
  for (const Backend* const backend : supported_backends()) {
    CAPTURE(backend->name());
    const Evaluator evaluator(key(), *backend);
    const MatrixSchedule schedule = evaluator.schedule(matrix);
    std::set<Integer> seen;
    for (int round = 0; round < 4; ++round) {  // with noise left over from the round before
      const std::vector<Ciphertext> replies = evaluator.affine(schedule, constants, inputs);
      CHECK(Decryptor(sample_key(), *backend).decrypt(replies) == expected);
      for (const Ciphertext& reply : replies) CHECK(seen.insert(reply.value()).second);
    }
    CHECK(kind_of([&] { evaluator.affine(schedule, std::span(constants).first(10), inputs); }) ==
          ErrorKind::invalid_argument);
    CHECK(kind_of([&] { evaluator.affine(schedule, constants, inputs.first(29)); }) ==
          ErrorKind::invalid_argument);
    const MatrixSchedule elsewhere(matrix, backend->lanes() + 1);
    CHECK(kind_of([&] { evaluator.multiply(elsewhere, inputs); }) == ErrorKind::invalid_argument);
  }
}

TEST_CASE("products do not depend on the number of threads") {
  const std::vector<std::int32_t> weights = random_weights(133, 6);
  const WeightMatrix matrix{7, 19, weights, 6};
  for (const Backend* const backend : supported_backends()) {
    for (const int count : {1, 2, 3, 8}) {
      const Threads threads(count);
      CHECK(encrypted_products(matrix, *backend) == products(matrix));
    }
  }
}

TEST_CASE("a matrix that does not fit is refused") {
  const Evaluator evaluator(key());
  const std::vector<std::int32_t> weights(7, 1);
  const auto refused = [&](const WeightMatrix& matrix, std::size_t ciphertexts) {
    return kind_of([&] {
             evaluator.multiply(evaluator.schedule(matrix),
                                std::span(query().ciphertexts).first(ciphertexts));
           }) == ErrorKind::invalid_argument;
  };
  const std::span<const std::int32_t> six = std::span(weights).first(6);
  CHECK_FALSE(refused({2, 3, six, 4}, 3));
  CHECK(refused({2, 3, weights, 4}, 3));
  CHECK(refused({2, 3, six.first(5), 4}, 3));
  CHECK(refused({2, 3, six, 4}, 2));
  CHECK(refused({2, 3, six, 4}, 4));
  CHECK(refused({3, 2, six, 4}, 3));
  CHECK(refused({0, 3, {}, 4}, 3));
  CHECK(refused({2, 0, {}, 4}, 0));
  CHECK(refused({0, 0, {}, 4}, 0));
  CHECK(refused({}, 0));
  for (const unsigned bits : {0U, 1U, 25U, 32U, 33U, 64U}) CHECK(refused({2, 3, six, bits}, 3));
}

TEST_CASE("a weight that does not fit its bits is refused") {
  const Evaluator evaluator(key());
  for (const unsigned bits : {2U, 3U, 8U, 24U}) {
    for (const std::int32_t bad :
         {largest(bits) + 1, -largest(bits) - 1, std::numeric_limits<std::int32_t>::min(),
          std::numeric_limits<std::int32_t>::max()}) {
      for (const std::size_t place : {0U, 2U}) {
        std::vector<std::int32_t> weights(3, 1);
        weights[place] = bad;
        const WeightMatrix matrix{1, 3, weights, bits};
        CHECK(kind_of([&] {
                evaluator.multiply(evaluator.schedule(matrix), std::span(query().ciphertexts).first(3));
              }) == ErrorKind::invalid_argument);
      }
    }
  }
}
