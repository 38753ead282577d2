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
  Integer p;
  Integer r;
  Integer k;
};

/// A fresh one of exactly `bits` bits (256 … 4096) with the top two bits set. Key generation is not
/// constant-time.
StructuredPrime generate_structured_prime(std::size_t bits);

/// A generator of the p-th powers mod p² (a cyclic group of order p − 1): γ^p mod p² for a random primitive
/// root γ of p.
Integer generate_power_generator(const StructuredPrime& prime);

}  // namespace opaline
