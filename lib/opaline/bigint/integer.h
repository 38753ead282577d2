#pragma once

#include <boost/multiprecision/gmp.hpp>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "opaline/base/bytes.h"

namespace opaline {

/// Signed integers of any size: Boost.Multiprecision over GMP. Not for secrets at rest (see SecretInteger).
/// In a program with this library in it all of GMP's memory is left out of core dumps and wiped when it is
/// given back, the program's own included (mp_set_memory_functions, before main); it must install no others.
using Integer = boost::multiprecision::number<boost::multiprecision::gmp_int, boost::multiprecision::et_off>;

/// Bits of |x|; 0 for 0.
std::size_t bit_length(const Integer& x);

/// The non-negative integer of big-endian bytes.
Integer from_bytes(ByteView big_endian);

/// Big-endian bytes of 0 ≤ x < 256^width, exactly `width` of them. Error(invalid_argument) if x does not fit.
Bytes to_bytes(const Integer& x, std::size_t width);

/// Shortest big-endian bytes of x ≥ 0 (none for 0).
Bytes to_bytes(const Integer& x);

/// x mod m in [0, m), m > 0, also for negative x.
Integer floor_mod(const Integer& x, const Integer& m);

/// Greatest common divisor, ≥ 0. `_vartime`: time depends on the numbers.
Integer gcd_vartime(const Integer& a, const Integer& b);

/// a^−1 mod m, m > 1. Error(invalid_argument) if there is none. `_vartime`.
Integer invert_vartime(const Integer& a, const Integer& m);

/// base^exponent mod m for exponent ≥ 0 and odd m > 1, in time that depends on the sizes only (mpz_powm_sec).
Integer pow_mod(const Integer& base, const Integer& exponent, const Integer& m);

/// The same for public numbers and any m > 1. `_vartime` (mpz_powm).
Integer pow_mod_vartime(const Integer& base, const Integer& exponent, const Integer& m);

/// Uniform in [0, bound), bound > 0, by rejection from fill_random.
Integer random_below(const Integer& bound);

/// Uniform among the residues in [1, m) that are coprime to m. `_vartime` in m only by rejection.
Integer random_unit(const Integer& m);

/// The 64-bit words of 0 ≤ x < 2^(64·words.size()), least significant first.
void to_words(const Integer& x, std::span<std::uint64_t> words);

/// The integer of such words.
Integer from_words(std::span<const std::uint64_t> words);

/// Overwrites the number's memory with zeros; its value is 0 afterwards.
void wipe(Integer& x) noexcept;

}  // namespace opaline
