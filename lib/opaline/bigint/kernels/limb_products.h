#pragma once

#include <cstddef>
#include <cstdint>

namespace opaline {

/// Products of 64-bit limbs, least significant first, on GMP's mpn layer: mpn_sec_* and mpn_addmul_1 below a
/// size, Karatsuba's identity (Karatsuba, Ofman 1962) above it, always with sums and never with a sign, so
/// that time and addresses depend on sizes only. n is 1 … kMostLimbs. Outputs do not overlap inputs.
inline constexpr std::size_t kMostLimbs = 8192 / 64;

/// r = x·y, 2n limbs.
void multiply_limbs(std::uint64_t* r, const std::uint64_t* x, const std::uint64_t* y, std::size_t n);

/// r = x², 2n limbs.
void square_limbs(std::uint64_t* r, const std::uint64_t* x, std::size_t n);

/// Montgomery's quotient: with minus_inverse = −1/m mod 2^64, u of n limbs so that t + u·m ≡ 0 mod 2^(64n).
/// t, 2n limbs, becomes the upper half of t + u·m in its own upper half; what carries out of that is
/// returned. Its lower half is used up.
std::uint64_t cancel_limbs(std::uint64_t* t, std::uint64_t* u, const std::uint64_t* m,
                           std::uint64_t minus_inverse, std::size_t n);

}  // namespace opaline
