// Replies that are not re-randomised: Π c_j^w_kj is a function of the query and the weights, and tells them.

#include <catch2/catch.hpp>
#include <map>
#include <optional>

#include "hostile/attacks/attacked_server.h"
#include "hostile/attacks/noise_reading.h"
#include "inference/parties.h"

using namespace opaline;
using namespace opaline::test;

namespace {

using Row = std::optional<std::vector<std::int64_t>>;

std::vector<Integer> powers_mod_n_squared(const std::vector<Integer>& bases, const PublicKey& key) {
  std::vector<Integer> powers;
  for (const Integer& base : bases) powers.push_back(pow_mod_vartime(base, key.n(), key.n_squared()));
  return powers;
}

/// The holder of a key asks once, with encryptions of 0 whose noise are the first primes.
std::vector<Row> rows_by_chosen_noise(const AttackedServer& server, const SecretKey& key,
                                      std::size_t inputs) {
  const std::vector<Integer> primes = first_primes(inputs);
  std::vector<Row> rows;
  for (const Integer& reply : server(powers_mod_n_squared(primes, key.public_key()))) {
    rows.push_back(read_exponents(open(key, reply).noise, key.public_key().n(), primes));
  }
  return rows;
}

/// Somebody on the way, who has no key, sees two queries of anybody and their replies; the biases fall out of
/// the quotients. Weights are looked for from both ends (meet in the middle), so there are four inputs.
std::vector<Row> rows_by_listening(const std::vector<Integer>& query, const std::vector<Integer>& reply,
                                   const std::vector<Integer>& other_query,
                                   const std::vector<Integer>& other_reply, const PublicKey& key,
                                   std::int64_t largest) {
  const Integer& m = key.n_squared();
  const auto quotient = [&](const Integer& x, const Integer& y) { return x * invert_vartime(y, m) % m; };
  std::vector<std::vector<Integer>> powers;  // from −largest on
  for (std::size_t j = 0; j < query.size(); ++j) {
    const Integer base = quotient(query[j], other_query[j]);
    powers.push_back({pow_mod_vartime(invert_vartime(base, m), largest, m)});
    for (std::int64_t w = -largest; w < largest; ++w) powers[j].push_back(powers[j].back() * base % m);
  }
  const std::size_t choices = powers[0].size();
  std::map<Integer, std::size_t> left;
  for (std::size_t i = 0; i < choices * choices; ++i) {
    left.emplace(powers[0][i / choices] * powers[1][i % choices] % m, i);
  }
  std::vector<Row> rows;
  for (std::size_t k = 0; k < reply.size(); ++k) {
    const Integer wanted = quotient(reply[k], other_reply[k]);
    rows.emplace_back();
    for (std::size_t i = 0; i < choices * choices && !rows.back(); ++i) {
      // From the largest down: the inverse of what is looked for has its signs turned.
      const Integer rest = wanted * powers[2][i / choices] % m * powers[3][i % choices] % m;
      const auto found = left.find(rest);
      if (found == left.end()) continue;
      const auto weight = [&](std::size_t place) { return static_cast<std::int64_t>(place) - largest; };
      rows.back() = {weight(found->second / choices), weight(found->second % choices), -weight(i / choices),
                     -weight(i % choices)};
    }
  }
  return rows;
}

std::vector<Integer> encrypted(const std::vector<Integer>& plaintexts, const PublicKey& key) {
  std::vector<Integer> numbers;
  for (const Ciphertext& one : Encryptor(key).encrypt(plaintexts)) numbers.push_back(one.value());
  return numbers;
}

}  // namespace

TEST_CASE("one query with chosen noise reads all weights of an unrandomised reply, none of the product's") {
  // Any row's product is a fraction of numbers below 2^(7 · 65), and √(n/2) > 2^511.
  const CompiledModel model = random_model(16, 3, 4);
  const PublicKey& key = alice().public_key();
  const std::vector<Row> weak =
      rows_by_chosen_noise(weakened_server(model, key, no_noise), alice(), model.client_spec().inputs);
  REQUIRE(weak.size() == 3);
  for (std::size_t k = 0; k < weak.size(); ++k) CHECK(weak[k] == row_of(model, k));

  // 15^16 = 2^63 rows can be found, and noise is any of 2^1023 numbers: 2^−960 that one is.
  const AttackedServer product = product_server(model, key);
  for (int round = 0; round < 8; ++round) {
    for (const Row& row : rows_by_chosen_noise(product, alice(), model.client_spec().inputs)) {
      CHECK(row == std::nullopt);
    }
  }
}

TEST_CASE("the product answers queries of chosen noise as the weakened copy does: the noise alone differs") {
  const CompiledModel model = random_model(16, 3, 4);
  const PublicKey& key = alice().public_key();
  const std::vector<Integer> query = powers_mod_n_squared(first_primes(16), key);
  const std::vector<Integer> weak = weakened_server(model, key, no_noise)(query);
  const std::vector<Integer> strong = product_server(model, key)(query);
  REQUIRE(strong.size() == weak.size());
  for (std::size_t k = 0; k < weak.size(); ++k) {
    CHECK(open(alice(), weak[k]).plaintext == open(alice(), strong[k]).plaintext);
    CHECK(open(alice(), weak[k]).noise != open(alice(), strong[k]).noise);
  }
}

TEST_CASE("who listens reads the weights from two unrandomised replies, and nothing from the product's") {
  constexpr std::int64_t kLargest = 15;
  const CompiledModel model = random_model(4, 3, 5);
  const PublicKey& key = alice().public_key();
  const std::vector<Integer> query = encrypted({3, 15, 0, 9}, key);
  const std::vector<Integer> other = encrypted({1, 0, 7, 15}, key);
  const auto listen = [&](const AttackedServer& server) {
    return rows_by_listening(query, server(query), other, server(other), key, kLargest);
  };
  const std::vector<Row> weak = listen(weakened_server(model, key, no_noise));
  for (std::size_t k = 0; k < weak.size(); ++k) CHECK(weak[k] == row_of(model, k));

  // 31^4 = 2^20 rows among 2^1023 quotients of noise.
  for (const Row& row : listen(product_server(model, key))) CHECK(row == std::nullopt);
}

TEST_CASE("a query without noise is answered in the clear by a server that adds none, never by the product") {
  const CompiledModel model = random_model(4, 3, 5);
  const PublicKey& key = alice().public_key();
  const std::vector<std::int64_t> input = {3, 15, 0, 9};
  std::vector<Integer> query;
  for (const std::int64_t x : input) query.push_back(1 + x * key.n());
  const std::vector<std::int64_t> answers = model.predict(input);

  const std::vector<Integer> weak = weakened_server(model, key, no_noise)(query);
  for (std::size_t k = 0; k < weak.size(); ++k) {
    CHECK(weak[k] % key.n() == 1);
    CHECK((weak[k] - 1) / key.n() == answers[k] + model.client_spec().bound);
  }
  // One number of 2^1023 is 1.
  for (const Integer& reply : product_server(model, key)(query)) CHECK(reply % key.n() != 1);
}
