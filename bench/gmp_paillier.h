#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "opaline/bigint/integer.h"
#include "opaline/paillier/keys.h"

namespace opaline::bench {

/// Textbook Paillier on GMP's mpz functions: what the benchmarks compare with. A fair first attempt, kept
/// simple and never slowed down.
class GmpPaillier {
 public:
  explicit GmpPaillier(const SecretKey& key);

  /// (1 + m·n)·r^n mod n², r^n by mpz_powm.
  Integer encrypt(const Integer& m) const;

  /// CRT with mpz_powm mod p² and mod q²; the plaintext in (−n/2, n/2).
  Integer decrypt(const Integer& c) const;

  /// mpz_mul + mpz_mod, mod n².
  Integer add(const Integer& x, const Integer& y) const;

  /// mpz_powm with the exponent |k|, mpz_invert before it for a negative k.
  Integer scale(const Integer& x, std::int64_t k) const;

  /// The whole map y = W·x + b on ciphertexts: one mpz_invert an input, one mpz_powm with the small exponent
  /// |w| and one mpz_mul + mpz_mod a weight; OpenMP over inputs and over outputs.
  std::vector<Integer> affine(std::span<const std::int32_t> weights, std::span<const std::int64_t> bias,
                              std::span<const Integer> x) const;

 private:
  Integer n_;
  Integer n_squared_;
  Integer p_;
  Integer q_;
  Integer p_squared_;
  Integer q_squared_;
  Integer h_p_;        ///< L_p(g^(p−1))^−1 mod p
  Integer h_q_;        ///< likewise mod q
  Integer p_inverse_;  ///< mod q
};

}  // namespace opaline::bench
