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
/// Ciphertexts are worked on in parcels; each takes some groups of lanes. Half 0 is mod p², half 1 mod q².
class CrtArithmetic {
 public:
  enum class Halves {
    side_by_side,  ///< p in the lanes of even number, q in the others: the least work for few ciphertexts
    apart          ///< p in all lanes of one group, q in those of the other: lanes can share tables
  };
  CrtArithmetic(const SecretKey& key, const Backend& backend, Halves arrangement);

  std::size_t parcel() const { return parcel_; }         ///< ciphertexts
  std::size_t groups() const { return groups_.size(); }  ///< elements a parcel takes
  const PairArithmetic& group(std::size_t i) const { return *groups_[i]; }
  std::size_t ciphertext(std::size_t lane) const { return groups() == 1 ? lane / 2 : lane; }
  std::size_t half(std::size_t group, std::size_t lane) const { return groups() == 1 ? lane % 2 : group; }

  /// p for half 0, q for half 1.
  const Integer& prime(std::size_t half) const { return primes_[half].get(); }
  std::size_t prime_bits() const { return bit_length(primes_[0].get()); }

  /// (q²)^−1 mod p² for half 0, (p²)^−1 mod q² for half 1.
  const Integer& cofactor(std::size_t half) const { return cofactors_[half].get(); }

  /// The number mod n² that is x_p mod p² and x_q mod q², each multiplied by its cofactor before: two
  /// products and no division.
  Integer combine_squares(const Integer& x_p_cofactor, const Integer& x_q_cofactor) const;

  /// The number mod n that is x_p mod p and x_q mod q.
  Integer combine(const Integer& x_p, const Integer& x_q) const;

 private:
  std::array<SecretInteger, 2> primes_;
  SecretInteger p_squared_;
  SecretInteger q_squared_;
  SecretInteger p_inverse_;  ///< mod q
  std::array<SecretInteger, 2> cofactors_;
  Integer n_squared_;
  std::size_t parcel_;
  std::vector<std::unique_ptr<const PairArithmetic>> groups_;
};

}  // namespace opaline
