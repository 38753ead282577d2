// What a server calculates for a query does not depend on its weights: the number of every operation is the
// same for all matrices of one shape and bit width, in every layout.

#include <array>
#include <atomic>
#include <catch2/catch.hpp>
#include <optional>
#include <random>

#include "opaline/paillier/encryptor.h"
#include "opaline/paillier/evaluator.h"
#include "paillier/sample_keys.h"
#include "small_model.h"
#include "support/supported_backends.h"
#include "support/threads.h"
#include "support/watched_backend.h"

using namespace opaline;
using namespace opaline::test;

namespace {

constexpr std::size_t kInputs = 13;
constexpr std::size_t kOutputs = 3;
constexpr unsigned kBits = 6;
constexpr std::int32_t kLargest = (1 << (kBits - 1)) - 1;
constexpr std::int64_t kInputMaximum = 15;

using Weights = std::vector<std::int32_t>;
using Counts = std::array<std::size_t, kOperations>;

std::vector<std::pair<const char*, Weights>> matrices() {
  const Weights zero(kInputs * kOutputs);
  std::vector<std::pair<const char*, Weights>> all = {
      {"all zero", zero},
      {"all at their largest", Weights(zero.size(), kLargest)},
      {"all at their lowest", Weights(zero.size(), -kLargest)},
      {"all 1", Weights(zero.size(), 1)}};
  for (const std::size_t place : {std::size_t{0}, kInputs / 2, zero.size() - 1}) {
    all.emplace_back("one", zero);
    all.back().second[place] = kLargest;
  }
  std::mt19937 random(3);
  for (int i = 0; i < 3; ++i) {
    all.emplace_back("random", zero);
    for (std::int32_t& weight : all.back().second) {
      weight = static_cast<std::int32_t>(random() % (2 * kLargest + 1)) - kLargest;
    }
  }
  all.emplace_back("a row of zeros", all.back().second);
  std::fill_n(all.back().second.begin() + kInputs, kInputs, 0);
  return all;
}

/// Counts operations by their kind.
class CountingBackend {
 public:
  explicit CountingBackend(const Backend& base)
      : backend_(base, [this](Operation operation, std::span<Word> /*result*/) {
          ++counts_.at(static_cast<std::size_t>(operation));
        }) {}

  const Backend& backend() const { return backend_; }

  template <typename Action>
  Counts during(const Action& action) {
    for (auto& count : counts_) count = 0;
    action();
    Counts counts{};
    std::copy(counts_.begin(), counts_.end(), counts.begin());
    return counts;
  }

 private:
  std::array<std::atomic<std::size_t>, kOperations> counts_{};
  WatchedBackend backend_;
};

std::size_t count_of(const Counts& counts, Operation operation) {
  return counts.at(static_cast<std::size_t>(operation));
}

}  // namespace

TEST_CASE("a server's operations for a query do not depend on its weights, in any layout") {
  const PublicKey& key = sample_key().public_key();
  // Whatever the weights, as the certificate and with it the width of slots are known to everybody.
  const Certificate certificate{kInputs, kOutputs, kInputMaximum,
                                static_cast<std::int64_t>(kInputs) * kLargest * kInputMaximum, 40};
  for (const Backend* const base : supported_backends()) {
    CountingBackend counter(*base);
    const Encryptor encryptor(key, *base);
    const std::vector<Ciphertext> ciphertexts = encryptor.encrypt(std::vector<Integer>(2 * kInputs, 3));
    for (LayoutShape shape :
         {LayoutShape{1, 1, 1, 1, 0}, LayoutShape{1, 1, 1, 9, 0}, LayoutShape{1, 3, 3, 2, 0},
          LayoutShape{4, 1, 1, 1, 0}, LayoutShape{3, 3, 3, 1, 0}, LayoutShape{2, 2, 1, 1, 0}}) {
      shape.slot_bits = SlotLayout::slot_bits(shape, certificate);
      const SlotLayout layout(shape, certificate, key.bits());
      for (const std::size_t queries : {1U, 2U}) {
        const auto x = std::span(ciphertexts).first(queries * layout.ciphertexts());
        std::optional<Counts> first;
        std::optional<Counts> first_of_two;
        for (const auto& [name, weights] : matrices()) {
          CAPTURE(base->name(), base->lanes(), shape.features, shape.outputs, shape.images, queries, name);
          const PackedMap map(layout, weights, kBits, std::vector<std::int64_t>(kOutputs));
          const Evaluator evaluator(key, counter.backend());
          const MatrixSchedule schedule = evaluator.schedule(map.matrix());
          std::vector<Integer> constants;
          for (std::size_t i = 0; i < queries; ++i) {
            for (Integer& constant : map.constants()) constants.push_back(std::move(constant));
          }
          const Counts counts = counter.during([&] {
            const Threads one(1);  // others make noise for later as long as they wait, which time decides
            evaluator.affine(schedule, constants, x);
          });
          if (!first) first = counts;
          CHECK(counts == *first);
          const Counts of_two = counter.during([&] {
            const Threads two(2);
            evaluator.multiply(schedule, x);
          });
          if (!first_of_two) first_of_two = of_two;
          CHECK(of_two == *first_of_two);
        }
        CHECK(count_of(*first, Operation::mul) > 0);
        CHECK(count_of(*first, Operation::sqr) > 0);
        CHECK(count_of(*first, Operation::gather) > 0);
      }
    }
  }
}
