#include "opaline/paillier/affine_batch.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <set>
#include <vector>

#include "opaline/paillier/decryptor.h"
#include "opaline/paillier/encryptor.h"
#include "sample_keys.h"
#include "support/error_kind.h"
#include "support/supported_backends.h"
#include "support/threads.h"

using namespace opaline;
using namespace opaline::test;

namespace {

const SecretKey& key_2048() {
  static const SecretKey key = SecretKey::generate(2048);
  return key;
}

const SecretKey& other_key_2048() {
  static const SecretKey key = SecretKey::generate(2048);
  return key;
}

const SecretKey& key_3072() {
  static const SecretKey key = SecretKey::generate(3072);
  return key;
}

/// A model: y = W·x + b with weights of 6 bits, at two powers of two where there are `shifts`.
struct Model {
  Model(std::size_t outputs, std::size_t inputs, std::vector<std::size_t> powers)
      : shifts(std::move(powers)), weights(outputs * shifts.size() * inputs) {
    for (std::size_t i = 0; i < weights.size(); ++i) weights[i] = static_cast<std::int32_t>(i * i % 61) - 30;
    matrix = {outputs, inputs, weights, 6, shifts};
  }

  std::vector<std::size_t> shifts;
  std::vector<std::int32_t> weights;
  WeightMatrix matrix;
};

/// One client's queries to one model, and what should come back.
struct Asked {
  Asked(const SecretKey& its_key, const Evaluator& its_evaluator, const Model& model,
        const MatrixSchedule& its_schedule, std::size_t queries)
      : key(its_key), evaluator(its_evaluator), schedule(its_schedule) {
    const WeightMatrix& w = model.matrix;
    const std::vector<Integer> inputs = sample_plaintexts(key.public_key(), queries * w.inputs);
    x = Encryptor(key).encrypt(inputs);
    for (std::size_t query = 0; query < queries; ++query) {
      for (std::size_t k = 0; k < w.outputs; ++k) {
        constants.emplace_back(static_cast<int>(100 * query + k) - 2);
        Integer y = constants.back();
        for (std::size_t p = 0; p < w.shifts.size(); ++p) {
          for (std::size_t j = 0; j < w.inputs; ++j) {
            y += (Integer(w.values[(k * w.shifts.size() + p) * w.inputs + j])
                  << static_cast<unsigned>(w.shifts[p])) *
                 inputs[query * w.inputs + j];
          }
        }
        expected.push_back(centred(y, key.public_key()));
      }
    }
  }

  AffineTask task() const { return {evaluator, schedule, constants, x}; }

  const SecretKey& key;
  const Evaluator& evaluator;
  const MatrixSchedule& schedule;
  std::vector<Integer> constants;
  std::vector<Ciphertext> x;
  std::vector<Integer> expected;
};

std::vector<Integer> decrypted(const Asked& asked, const std::vector<Ciphertext>& replies) {
  return Decryptor(asked.key).decrypt(replies);
}

}  // namespace

TEST_CASE("tasks of several keys, lengths and schedules together give the integers of each") {
  const Model wide(2, 5, {0, 40});
  const Model plain(3, 4, {0});
  const SecretKey* const keys[] = {&sample_key(), &other_key(),      &key_2048(),  &sample_key(), &key_3072(),
                                   &third_key(),  &other_key_2048(), &other_key(), &sample_key()};
  for (const Backend* const backend : supported_backends()) {
    const MatrixSchedule wide_schedule(wide.matrix, backend->lanes());
    const MatrixSchedule plain_schedule(plain.matrix, backend->lanes());
    std::deque<Evaluator> evaluators;
    std::deque<Asked> asked;
    for (std::size_t i = 0; i < std::size(keys); ++i) {
      std::size_t first = 0;  // the same evaluator for the same key
      while (keys[first] != keys[i]) ++first;
      if (first == i) evaluators.emplace_back(keys[i]->public_key(), *backend);
      const auto evaluator = std::find_if(evaluators.begin(), evaluators.end(), [&](const Evaluator& known) {
        return known.public_key() == keys[i]->public_key();
      });
      const bool is_wide = i % 3 != 1;
      asked.emplace_back(*keys[i], *evaluator, is_wide ? wide : plain,
                         is_wide ? wide_schedule : plain_schedule, i == 3 ? 9 : 1 + i % 2);
    }
    std::vector<std::set<Integer>> seen(asked.size());
    for (const int thread_count : {1, 2}) {
      const Threads threads(thread_count);
      for (std::size_t count = 0; count <= asked.size(); ++count) {
        CAPTURE(backend->name(), thread_count, count);
        std::vector<AffineTask> tasks;
        for (std::size_t i = 0; i < count; ++i) tasks.push_back(asked[i].task());
        std::vector<Outcome<std::vector<Ciphertext>>> outcomes = affine_together(tasks);
        REQUIRE(outcomes.size() == count);
        for (std::size_t i = 0; i < count; ++i) {
          CAPTURE(i);
          const std::vector<Ciphertext>& replies = outcomes[i].value();
          CHECK(decrypted(asked[i], replies) == asked[i].expected);
          // Where inputs and constants are the same, replies differ by their noise alone.
          for (const Ciphertext& reply : replies) CHECK(seen[i].insert(reply.value()).second);
        }
      }
    }
  }
}

TEST_CASE("every shape of one-reply queries of different keys, with lanes left over or not") {
  const Model model(1, 3, {0, 7, 30});
  const SecretKey* const keys[] = {&sample_key(), &other_key(), &third_key()};
  for (const Backend* const backend : supported_backends()) {
    const MatrixSchedule schedule(model.matrix, backend->lanes());
    std::deque<Evaluator> evaluators;
    for (const SecretKey* const key : keys) evaluators.emplace_back(key->public_key(), *backend);
    for (std::size_t count = 1; count <= 17; ++count) {
      CAPTURE(backend->name(), count);
      std::deque<Asked> asked;
      std::vector<AffineTask> tasks;
      for (std::size_t i = 0; i < count; ++i) {
        asked.emplace_back(*keys[i * i % 3], evaluators[i * i % 3], model, schedule, 1);
        tasks.push_back(asked.back().task());
      }
      std::vector<Outcome<std::vector<Ciphertext>>> outcomes = affine_together(tasks);
      for (std::size_t i = 0; i < count; ++i) {
        CHECK(decrypted(asked[i], outcomes[i].value()) == asked[i].expected);
      }
    }
  }
}

TEST_CASE("one query twice in a batch has two replies of different noise") {
  const Model model(2, 5, {0});
  const Evaluator evaluator(sample_key().public_key());
  const MatrixSchedule schedule = evaluator.schedule(model.matrix);
  const Asked asked(sample_key(), evaluator, model, schedule, 1);
  const std::vector<AffineTask> tasks(6, asked.task());
  std::set<Integer> seen;
  for (auto& outcome : affine_together(tasks)) {
    CHECK(decrypted(asked, outcome.value()) == asked.expected);
    for (const Ciphertext& reply : outcome.value()) CHECK(seen.insert(reply.value()).second);
  }
  CHECK(seen.size() == 12);
}

TEST_CASE("a task that cannot be done does not fail the others") {
  const Model model(2, 5, {0, 9});
  for (const Backend* const backend : supported_backends()) {
    CAPTURE(backend->name());
    const Evaluator mine(sample_key().public_key(), *backend);
    const Evaluator theirs(other_key().public_key(), *backend);
    const MatrixSchedule schedule = mine.schedule(model.matrix);
    const Asked good(sample_key(), mine, model, schedule, 1);
    const Asked other(other_key(), theirs, model, schedule, 2);
    std::vector<Ciphertext> foreign = good.x;
    foreign[3] = other.x[3];
    const std::vector<AffineTask> tasks = {good.task(),
                                           {mine, schedule, good.constants, foreign},
                                           other.task(),
                                           {theirs, schedule, good.constants, other.x},
                                           {mine, schedule, good.constants, std::span(good.x).first(4)},
                                           {mine, schedule, {}, {}},
                                           good.task()};
    std::vector<Outcome<std::vector<Ciphertext>>> outcomes = affine_together(tasks);
    REQUIRE(outcomes.size() == tasks.size());
    const auto kind = [&](std::size_t i) { return kind_of([&] { outcomes[i].value(); }); };
    CHECK(decrypted(good, outcomes[0].value()) == good.expected);
    CHECK(kind(1) == ErrorKind::wrong_key);
    CHECK(decrypted(other, outcomes[2].value()) == other.expected);
    CHECK(kind(3) == ErrorKind::invalid_argument);
    CHECK(kind(4) == ErrorKind::invalid_argument);
    CHECK(kind(5) == ErrorKind::invalid_argument);
    CHECK(decrypted(good, outcomes[6].value()) == good.expected);
    for (const std::size_t i : {1U, 3U, 4U, 5U}) CHECK_FALSE(outcomes[i].succeeded());

    outcomes = affine_together(std::span(tasks).subspan(3, 3));
    CHECK(outcomes.size() == 3);
    CHECK(std::none_of(outcomes.begin(), outcomes.end(), [](const auto& one) { return one.succeeded(); }));
  }
}
