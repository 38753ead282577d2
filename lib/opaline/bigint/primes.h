#pragma once

#include <cstddef>

#include "opaline/bigint/integer.h"

namespace opaline {

/// Baillie–PSW and then Miller–Rabin (GMP's mpz_probab_prime_p), with more rounds than FIPS 186-5, table B.1
/// asks for an error below 2^−128 at any size used here. `_vartime`.
bool is_probable_prime_vartime(const Integer& x);

/// A prime p = 2·k·r + 1 with r prime and k odd below 2^20, so that p − 1 is completely factored and the
/// order of any element can be proved. p ≡ 3 (mod 4).
struct StructuredPrime {
  SecretInteger p;
  SecretInteger r;
  SecretInteger k;
};

/// A fresh one of exactly `bits` bits (256 … 4096) with the top two bits set. Key generation is not
/// constant-time.
StructuredPrime generate_structured_prime(std::size_t bits);

/// A generator of the p-th powers mod p² (a cyclic group of order p − 1): γ^p mod p² for a random primitive
/// root γ of p.
SecretInteger generate_power_generator(const StructuredPrime& prime);

/// Whether h generates the p-th powers mod p², proved with the factors of p − 1 = 2·k·r (k is factored here).
/// False as well if 2·k·r ≠ p − 1, p or r is not prime or k ≥ 2^20. `_vartime`.
bool is_power_generator_vartime(const Integer& h, const Integer& p, const Integer& k);

}  // namespace opaline
