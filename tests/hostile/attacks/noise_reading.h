#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "opaline/bigint/integer.h"

namespace opaline::test {

/// The first primes: noise that a client chooses, so that products of its powers can be taken apart.
std::vector<Integer> first_primes(std::size_t count);

/// The exponents w_j of Π primes_j^w_j mod m, found as a fraction of small numbers (Wang 1981, rational
/// reconstruction); nothing if the number is none with both numerator and denominator below √(m/2).
///
/// Of a number uniform mod m it finds something with a probability below m^−1 times the number of such
/// products.
std::optional<std::vector<std::int64_t>> read_exponents(const Integer& number, const Integer& m,
                                                        const std::vector<Integer>& primes);

}  // namespace opaline::test
