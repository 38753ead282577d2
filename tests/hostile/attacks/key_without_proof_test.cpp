// An attack that does succeed, and that no noise of a server can prevent: under a modulus with
// gcd(n, φ(n)) > 1 the n-th powers are not all that they should be. With n = p·q·Π l and every l | p − 1, the
// power r^n has no part of order l mod p, whatever r is, so the weights stand there bare. That such a key is
// none cannot be seen from n; its owner cannot give the proof of Goldberg, Reyzin, Sagga and Baldimtsi
// (2018).

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "hostile/attacks/attacked_server.h"
#include "inference/parties.h"
#include "opaline/bigint/primes.h"
#include "opaline/paillier/key_proof.h"
#include "support/error_kind.h"

using namespace opaline;
using namespace opaline::test;

namespace {

constexpr unsigned kWeightBits = 8;
constexpr std::int64_t kLargest = (1 << (kWeightBits - 1)) - 1;

struct NoKey {
  std::vector<Integer> orders;  ///< one an input
  Integer p;
  Integer n;
};

Integer prime_of_bits(std::size_t bits, const Integer& step) {
  while (true) {
    const Integer low = (Integer(3) << static_cast<unsigned>(bits - 2)) / step;
    const Integer candidate =
        2 * step * (low / 2 + random_below((Integer(1) << static_cast<unsigned>(bits - 3)) / step)) + 1;
    if (bit_length(candidate) == bits && is_probable_prime_vartime(candidate)) return candidate;
  }
}

NoKey make_no_key(std::size_t inputs) {
  NoKey key;
  Integer product = 1;
  for (Integer l = (1U << 16U) + 1; key.orders.size() < inputs; l += 2) {
    if (!is_probable_prime_vartime(l)) continue;
    key.orders.push_back(l);
    product *= l;
  }
  const std::size_t rest = 1024 - bit_length(product);
  key.p = prime_of_bits(rest / 2, product);
  for (std::size_t bits = rest - rest / 2; key.n == 0 || bit_length(key.n) % 2 != 0; ++bits) {
    key.n = key.p * product * prime_of_bits(bits, 1);
  }
  return key;
}

/// All weights, outputs × inputs, from the reply to one query: c_j has order l_j mod p and is 1 elsewhere.
std::vector<std::int64_t> read_weights(const AttackedServer& server, const NoKey& key) {
  const auto part = [&](const Integer& x, const Integer& l) {
    return pow_mod_vartime(x % key.p, (key.p - 1) / l, key.p);
  };
  const Integer others = key.n / key.p;
  std::vector<Integer> query;
  for (const Integer& l : key.orders) {
    Integer generator = 1;
    while (generator == 1) generator = part(2 + random_below(key.p - 2), l);
    query.push_back(1 + floor_mod((generator - 1) * invert_vartime(others, key.p), key.p) * others);
  }
  std::vector<std::map<Integer, std::int64_t>> logarithms(query.size());
  for (std::size_t j = 0; j < query.size(); ++j) {
    const Integer step = part(query[j], key.orders[j]);
    Integer power = pow_mod_vartime(invert_vartime(step, key.p), kLargest, key.p);
    for (std::int64_t w = -kLargest; w <= kLargest; ++w, power = power * step % key.p) {
      logarithms[j][power] = w;
    }
  }
  std::vector<std::int64_t> weights;
  for (const Integer& reply : server(query)) {
    for (std::size_t j = 0; j < query.size(); ++j) {
      const auto found = logarithms[j].find(part(reply, key.orders[j]));
      weights.push_back(found == logarithms[j].end() ? kLargest + 1 : found->second);
    }
  }
  return weights;
}

}  // namespace

TEST_CASE("known to succeed: n that shares factors with phi(n) reads all weights from one reply of r^n") {
  const CompiledModel model = random_model(8, 3, kWeightBits);
  const NoKey key = make_no_key(model.client_spec().inputs);
  const PublicKey accepted(key.n);  // odd, no small factor, no power, no prime
  const std::vector<std::int64_t> truth(model.weights().begin(), model.weights().end());
  CHECK(read_weights(product_server(model, accepted), key) == truth);
}

TEST_CASE("such a key has no proof, and a server that demands one takes no query under it") {
  const CompiledModel model = random_model(8, 3, kWeightBits);
  const ClientSpec& spec = model.client_spec();
  const NoKey no_key = make_no_key(spec.inputs);
  const PublicKey key(no_key.n);

  // Only an n-th power has a root to show, and mod p a challenge is one with a probability of Π 1/l < 2^−128.
  const std::vector<Integer> challenges = key_proof_challenges_vartime(key);
  CHECK(std::none_of(challenges.begin(), challenges.end(), [&](const Integer& challenge) {
    return std::all_of(no_key.orders.begin(), no_key.orders.end(), [&](const Integer& l) {
      return pow_mod_vartime(challenge % no_key.p, (no_key.p - 1) / l, no_key.p) == 1;
    });
  }));

  const Server server(model);
  QueryLimits limits;
  const Bytes query = encryptor_for(spec, alice(), Owner::everyone).encrypt(make_inputs(spec, 1));
  OpenQuery changed = open_query(query, spec);
  changed.header.key = key;
  REQUIRE_NOTHROW(server.examine(close(changed), limits));
  limits.require_key_proof = true;
  CHECK(kind_of([&] { server.examine(close(changed), limits); }) == ErrorKind::invalid_key);
}
