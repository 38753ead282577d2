#include <array>
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

TEST_CASE("matrices of every proportion are exact") {
  for (const unsigned bits : {2U, 5U, 7U, 12U}) check_matrix(60, 5, bits, random_weights(300, bits));
  check_matrix(25, 20, 6, random_weights(500, 6));
  check_matrix(1, 200, 6, random_weights(200, 6));
  check_matrix(2, 9, 24, random_weights(18, 24));
}

TEST_CASE("what a plan costs depends on the shape only, and is the least there is") {
  for (const auto& [outputs, inputs] : {std::pair<std::size_t, std::size_t>{1, 1}, {10, 784}, {300, 30}}) {
    for (const unsigned bits : {2U, 6U, 12U}) {
      for (const std::size_t positions : {1U, 14U}) {
        const MatrixPlan plan({outputs, inputs, positions, 60 * positions, bits}, 8);
        CHECK(plan.digits() * plan.digit_bits() >= bits);
        CHECK(plan.group() * plan.digit_bits() <= MatrixPlan::kMostIndexBits);
        CHECK(plan.results() == outputs * positions * plan.digits());
        // One input a table, bit by bit, the simplest way.
        const std::size_t digits = outputs * positions * bits;
        CHECK(plan.operations(1).products <= (digits + 7) / 8 * (inputs - 1) +
                                                 (outputs + 7) / 8 * positions * (bits + 1) +
                                                 (inputs + 7) / 8 + 3);
        CHECK(plan.operations(1).squares < (outputs + 7) / 8 * (60 * positions + bits) + bits);
        CHECK(plan.operations(16).products <= 16 * plan.operations(1).products);
      }
    }
  }
}

TEST_CASE("the tables of a schedule hold a weight's digits") {
  const std::vector<std::int32_t> weights = random_weights(30, 6);
  const MatrixSchedule schedule({3, 10, weights, 6}, 8);
  const MatrixPlan& plan = schedule.plan();
  for (std::size_t k = 0; k < 3; ++k) {
    for (std::size_t j = 0; j < 10; ++j) {
      std::int32_t weight = -32;
      for (std::size_t d = 0; d < plan.digits(); ++d) {
        const unsigned shift = static_cast<unsigned>(j % plan.group()) * plan.digit_bits();
        const std::int32_t mask = (1 << plan.digit_bits()) - 1;
        weight += ((schedule.entries_of(k * plan.digits() + d)[j / plan.group()] >> shift) & mask)
                  << (d * plan.digit_bits());
      }
      CHECK(weight == weights[k * 10 + j]);
    }
  }
}

namespace {

/// y_k = Σ_p 2^shift_p · Σ_j w_kpj · x_j for every query of `inputs` values each.
std::vector<Integer> shifted_products(const WeightMatrix& matrix, std::span<const Integer> x) {
  std::vector<Integer> results;
  for (std::size_t query = 0; query < x.size() / matrix.inputs; ++query) {
    for (std::size_t k = 0; k < matrix.outputs; ++k) {
      Integer sum = 0;
      for (std::size_t p = 0; p < matrix.shifts.size(); ++p) {
        for (std::size_t j = 0; j < matrix.inputs; ++j) {
          const std::size_t at = (k * matrix.shifts.size() + p) * matrix.inputs + j;
          sum += (Integer(matrix.values[at]) << static_cast<unsigned>(matrix.shifts[p])) *
                 x[query * matrix.inputs + j];
        }
      }
      results.push_back(centred(sum, key()));
    }
  }
  return results;
}

}  // namespace

TEST_CASE("weights at several powers of two, for several queries at once, are exact") {
  const std::vector<std::vector<std::size_t>> shift_sets = {
      {0}, {7}, {0, 1}, {3, 40, 41}, {0, 16, 60, 76, 120, 136}, {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 900}};
  for (const Backend* const backend : supported_backends()) {
    const Evaluator evaluator(key(), *backend);
    const Decryptor decryptor(sample_key(), *backend);
    for (const std::vector<std::size_t>& shifts : shift_sets) {
      for (const auto& [outputs, inputs, queries] :
           {std::array<std::size_t, 3>{1, 1, 1}, {2, 11, 1}, {3, 4, 5}, {1, 7, 8}, {5, 2, 9}}) {
        CAPTURE(backend->name(), shifts, outputs, inputs, queries);
        const std::vector<std::int32_t> weights = random_weights(outputs * inputs * shifts.size(), 6);
        const WeightMatrix matrix{outputs, inputs, weights, 6, shifts};
        const auto x = std::span(query().ciphertexts).first(inputs * queries);
        std::vector<Integer> decrypted;
        for (const EvaluatedCiphertext& product : evaluator.multiply(evaluator.schedule(matrix), x)) {
          decrypted.push_back(decryptor.decrypt(product));
        }
        CHECK(decrypted == shifted_products(matrix, std::span(query().inputs).first(inputs * queries)));
      }
    }
  }
}

TEST_CASE("rows that are left out are zero, and cost nothing") {
  const std::vector<std::size_t> shifts = {0, 20, 30};
  std::vector<std::int32_t> weights = random_weights(3 * 3 * 8, 6);
  const std::vector<std::uint8_t> present = {1, 0, 1, 0, 0, 1, 1, 1, 1};
  const WeightMatrix matrix{3, 8, weights, 6, shifts, present};
  for (std::size_t i = 0; i < weights.size(); ++i) {
    if (present[i / 8] == 0) weights[i] = 0;
  }
  const WeightMatrix zeros{3, 8, weights, 6, shifts};
  CHECK(matrix.shape().rows() == 6);
  for (const Backend* const backend : supported_backends()) {
    const Evaluator evaluator(key(), *backend);
    const Decryptor decryptor(sample_key(), *backend);
    CHECK(evaluator.schedule(matrix).plan().results() < evaluator.schedule(zeros).plan().results());
    for (const std::size_t queries : {1U, 3U}) {
      const auto x = std::span(query().ciphertexts).first(8 * queries);
      std::vector<Integer> decrypted;
      for (const EvaluatedCiphertext& product : evaluator.multiply(evaluator.schedule(matrix), x)) {
        decrypted.push_back(decryptor.decrypt(product));
      }
      CHECK(decrypted == shifted_products(zeros, std::span(query().inputs).first(8 * queries)));
    }
  }
}

TEST_CASE("more threads than elements share the tables out and change nothing") {
  const std::vector<std::int32_t> weights = random_weights(60, 4);
  const std::vector<std::size_t> shifts = {0, 21};
  const WeightMatrix matrix{1, 30, weights, 4, shifts};
  for (const Backend* const backend : supported_backends()) {
    const Evaluator evaluator(key(), *backend);
    for (const int count : {1, 2, 7, 32}) {
      const Threads threads(count);
      const auto product =
          evaluator.multiply(evaluator.schedule(matrix), std::span(query().ciphertexts).first(30));
      CHECK(Decryptor(sample_key()).decrypt(product.front()) ==
            shifted_products(matrix, std::span(query().inputs).first(30)).front());
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
  CHECK_FALSE(refused({2, 3, six, 4}, 6));
  for (const std::vector<std::size_t>& shifts :
       {std::vector<std::size_t>{}, {0, 1}, {0, 0}, {1, 0}, {std::size_t{1} << 16}}) {
    CAPTURE(shifts);
    CHECK(refused({2, 3, six, 4, shifts}, 3));
  }
  const std::vector<std::uint8_t> flags = {1, 0, 1};
  CHECK_FALSE(refused({2, 3, six, 4, WeightMatrix::kUnshifted, std::span(flags).first(2)}, 3));
  CHECK(refused({2, 3, six, 4, WeightMatrix::kUnshifted, flags}, 3));
  CHECK(refused({2, 3, six, 4, WeightMatrix::kUnshifted, std::span(flags).first(1)}, 3));
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
