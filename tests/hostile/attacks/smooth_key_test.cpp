// Replies with the noise of Damgård, Jurik and Nielsen under a dishonest key: p − 1 and q − 1 are products of
// small primes, so that its owner takes discrete logarithms in every subgroup of prime order l. Powers of h_s
// lie on one line through Z_l × Z_l, the parts of that order mod p and mod q. What a query puts beside the
// line is seen by how far replies are from it: whole weights, if l is larger than they are.

#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <random>

#include "hostile/attacks/attacked_server.h"
#include "hostile/attacks/djn_noise.h"
#include "inference/parties.h"
#include "opaline/bigint/primes.h"

using namespace opaline;
using namespace opaline::test;

namespace {

constexpr unsigned kWeightBits = 8;
constexpr std::size_t kInputs = 16;

/// Odd primes above 2^kWeightBits, one an input: each holds every weight.
std::vector<std::uint32_t> subgroup_orders() {
  std::vector<std::uint32_t> orders;
  for (std::uint32_t l = (1U << kWeightBits) + 1; orders.size() < kInputs; l += 2) {
    if (is_probable_prime_vartime(l)) orders.push_back(l);
  }
  return orders;
}

/// A prime of 512 bits, one more than twice the product of these, of other primes below 2^20 and of a last
/// one below 2^42, all different from these.
SecretInteger smooth_prime(const std::vector<std::uint32_t>& orders) {
  Integer product = 2;
  for (const std::uint32_t l : orders) product *= l;
  while (bit_length(product) < 470) {
    const Integer l = random_below(1U << 20U) | 1;
    if (l > 1U << 19U && is_probable_prime_vartime(l)) product *= l;
  }
  while (true) {
    // The last sets the two highest bits.
    const Integer last = (Integer(3) << 510) / product + random_below((Integer(1) << 509) / product);
    const Integer p = product * last + 1;
    if (is_probable_prime_vartime(last) && is_probable_prime_vartime(p)) return SecretInteger(p);
  }
}

/// Discrete logarithms in the part of Z*_p of a small prime order.
class Subgroup {
 public:
  Subgroup(Integer p, std::uint32_t order) : p_(std::move(p)), order_(order) {
    while (generator_ == 1) generator_ = project(2 + random_below(p_ - 2));
    Integer power = 1;
    for (std::uint32_t i = 0; i < order_; ++i, power = power * generator_ % p_) logarithms_[power] = i;
  }

  const Integer& generator() const { return generator_; }
  std::int64_t logarithm(const Integer& x) const { return logarithms_.at(project(x % p_)); }

 private:
  Integer project(const Integer& x) const { return pow_mod_vartime(x, (p_ - 1) / order_, p_); }

  Integer p_;
  std::uint32_t order_;
  Integer generator_ = 1;
  std::map<Integer, std::int64_t> logarithms_;
};

/// A number mod l by its place in (−l/2, l/2).
std::int64_t centred(const Integer& x, std::uint32_t l) {
  const auto residue = static_cast<std::int64_t>(floor_mod(x, l));
  return residue > l / 2 ? residue - l : residue;
}

class DishonestOwner {
 public:
  explicit DishonestOwner(const SecretKey& key)
      : key_(key.public_key()), p_(key.p().value()), q_(key.q().value()), orders_(subgroup_orders()) {
    for (const std::uint32_t l : orders_) {
      mod_p_.emplace_back(p_, l);
      mod_q_.emplace_back(q_, l);
    }
  }

  /// Asks until it has seen the line of the noise for every l, and then once: weights, outputs × inputs.
  std::vector<std::int64_t> read_weights(const AttackedServer& server, std::size_t outputs) const {
    std::vector<Vector> lines(kInputs);
    for (int query = 0; query < 4; ++query) {
      for (const Integer& reply : server(std::vector<Integer>(kInputs, zero_from(1)))) {
        for (std::size_t j = 0; j < kInputs; ++j) {
          const Vector seen = logarithms(reply, j);
          if (seen.p != 0 || seen.q != 0) lines[j] = seen;
        }
      }
    }
    std::vector<Integer> query;
    std::vector<Vector> marks;
    for (std::size_t j = 0; j < kInputs; ++j) {
      // A number of order l beside the line: in the part mod p, unless that is the line itself.
      const bool beside = lines[j].q != 0;
      query.push_back(zero_from(beside ? lift(mod_p_[j].generator(), 1) : lift(1, mod_q_[j].generator())));
      marks.push_back(logarithms(query.back(), j));
    }
    const std::vector<Integer> reply = server(query);
    std::vector<std::int64_t> weights;
    for (std::size_t k = 0; k < outputs; ++k) {
      for (std::size_t j = 0; j < kInputs; ++j) {
        const Vector seen = logarithms(reply[k], j);
        weights.push_back(centred(
            distance(seen, lines[j]) * invert_vartime(distance(marks[j], lines[j]), orders_[j]), orders_[j]));
      }
    }
    return weights;
  }

 private:
  struct Vector {
    Integer p = 0;
    Integer q = 0;
  };

  /// From a line, up to a factor. Of noise without a part of that order, from (0, 1).
  static Integer distance(const Vector& x, const Vector& line) {
    if (line.p == 0 && line.q == 0) return x.q;
    return x.p * line.q - x.q * line.p;
  }

  Vector logarithms(const Integer& number, std::size_t j) const {
    return {mod_p_[j].logarithm(number), mod_q_[j].logarithm(number)};
  }

  /// The number that is x mod p and y mod q.
  Integer lift(const Integer& x, const Integer& y) const {
    return x + floor_mod((y - x) * invert_vartime(p_, q_), q_) * p_;
  }

  /// The encryption r^n of 0.
  Integer zero_from(const Integer& r) const { return pow_mod_vartime(r, key_.n(), key_.n_squared()); }

  PublicKey key_;
  Integer p_;
  Integer q_;
  std::vector<std::uint32_t> orders_;
  std::vector<Subgroup> mod_p_;
  std::vector<Subgroup> mod_q_;
};

std::size_t right(const std::vector<std::int64_t>& weights, const CompiledModel& model) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) count += weights[i] == model.weights()[i] ? 1U : 0U;
  return count;
}

}  // namespace

TEST_CASE("a key of smooth p - 1 and q - 1 reads whole weights through h_s^e, and none through r^n") {
  const std::vector<std::uint32_t> orders = subgroup_orders();
  const SecretKey key = SecretKey::from_primes(smooth_prime(orders), smooth_prime(orders));
  REQUIRE_NOTHROW(PublicKey(key.public_key().n()));  // nothing is wrong with it that could be seen
  const DishonestOwner owner(key);
  const CompiledModel model = random_model(kInputs, 3, kWeightBits);
  const std::size_t weights = model.weights().size();

  // Four queries of three replies miss a line that is there with a probability below 16 · 257^−12.
  const AttackedServer weak = weakened_server(model, key.public_key(), DjnServerNoise(key.public_key()));
  CHECK(right(owner.read_weights(weak, 3), model) == weights);

  // Parts of r^n are uniform in Z_l × Z_l, and so is what the attack takes for a weight: of 48 at least nine
  // are right with a probability below C(48, 9) · 257^−9 < 2^−41.
  const AttackedServer product = product_server(model, key.public_key());
  CHECK(right(owner.read_weights(product, 3), model) < 9);
}
