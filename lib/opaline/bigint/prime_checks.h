#pragma once

#include <span>

#include "opaline/bigint/backend.h"

namespace opaline {

/// Miller–Rabin with 40 random bases, which a composite passes with a chance below 2^−80, however it was
/// chosen (Rabin 1980). For 1 … 8192 bits. Constant-time in x; its length, whether it is odd and whether it
/// is prime become known, and of an odd one how often 2 divides x − 1.
bool is_probable_prime(std::span<const Word> x, const Backend& backend = default_backend());

/// Whether h generates the p-th powers mod p², a cyclic group of order p − 1 = 2·k·r: proved with the prime
/// factors of p − 1 (k is factored here), which proves p prime as well (Lucas 1891). False too if 2·k·r ≠
/// p − 1, r is not prime, k is even or not below 2^20, or h not below p². p of 3 … 4096 bits. Constant-time
/// in h, p and k; the lengths of p and r and the outcome become known.
bool is_power_generator(std::span<const Word> h, std::span<const Word> p, std::span<const Word> k,
                        const Backend& backend = default_backend());

}  // namespace opaline
