#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "opaline/bigint/backend.h"
#include "opaline/paillier/keys.h"

namespace opaline {

/// The two halves of a computation under a secret key, mod p² and mod q², spread over lanes.
///
/// Ciphertexts are worked on in parcels. Half s (0: mod p², 1: mod q²) of ciphertext i of a parcel is job 2i
/// + s, and job j sits in lane j mod lanes of group j / lanes, so p and q stand side by side where there is
/// room for both.
class CrtArithmetic {
 public:
  CrtArithmetic(const SecretKey& key, const Backend& backend);

  std::size_t parcel() const { return parcel_; }         ///< ciphertexts
  std::size_t groups() const { return groups_.size(); }  ///< elements a parcel takes
  const PairArithmetic& group(std::size_t i) const { return *groups_[i]; }
  std::size_t ciphertext(std::size_t group, std::size_t lane) const { return job(group, lane) / 2; }
  std::size_t half(std::size_t group, std::size_t lane) const { return job(group, lane) % 2; }

  /// p for half 0, q for half 1.
  const Integer& prime(std::size_t half) const { return primes_[half].get(); }
  std::size_t prime_bits() const { return bit_length(primes_[0].get()); }

  /// The number mod n² that is x_p mod p² and x_q mod q².
  Integer combine_squares(const Integer& x_p, const Integer& x_q) const;

  /// The number mod n that is x_p mod p and x_q mod q.
  Integer combine(const Integer& x_p, const Integer& x_q) const;

 private:
  std::size_t job(std::size_t group, std::size_t lane) const {
    return group * groups_.front()->lanes() + lane;
  }

  std::array<SecretInteger, 2> primes_;
  SecretInteger p_squared_;
  SecretInteger q_squared_;
  SecretInteger p_inverse_;          ///< mod q
  SecretInteger p_squared_inverse_;  ///< mod q²
  std::size_t parcel_;
  std::vector<std::unique_ptr<const PairArithmetic>> groups_;
};

}  // namespace opaline
