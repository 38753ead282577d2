#pragma once

#include <string>

#include "opaline/base/error.h"

namespace opaline {

/// The rules of keys.h and key_files.h, for whoever wants to know which one a key breaks. With the secret key
/// gcd(n, (p − 1)(q − 1)) = 1 needs no rule of its own: two primes of one length cannot break it. Keys with
/// generators have p ≡ q ≡ 3 (mod 4) by these; keys of others need neither that nor the last two rules.
enum class KeyRule {
  positive_modulus,   ///< n > 0
  modulus_size,       ///< an even number of bits from kSmallestKeyBits to kLargestKeyBits
  odd_modulus,        ///< n is odd
  no_small_factor,    ///< no factor of n is below 2^16
  no_perfect_power,   ///< n is not x^k, k > 1
  composite_modulus,  ///< n is not a prime
  proof,              ///< the proof that gcd(n, φ(n)) = 1, where there is one, is one for n
  proof_demanded,     ///< there is a proof, where one is asked for
  prime_size,         ///< p and q are larger than 2 and have half as many bits as n, both
  different_primes,   ///< p ≠ q
  prime_factors,      ///< p and q are prime
  distant_primes,     ///< |p − q| > 2^(bits/2 − 100)
  product,            ///< n = p·q, where all three are given
  generators,         ///< h_p and h_q, where given, generate the p-th powers mod p² and the q-th mod q²
  top_bits,           ///< with generators: the two highest bits of p and q are set
  coprime_orders      ///< with generators: gcd(p − 1, q − 1) = 2
};

/// A key that breaks a rule: of kind invalid_key.
class InvalidKey : public Error {
 public:
  InvalidKey(KeyRule rule, const std::string& message)
      : Error(ErrorKind::invalid_key, message), rule_(rule) {}
  KeyRule rule() const noexcept { return rule_; }

 private:
  KeyRule rule_;
};

}  // namespace opaline
