#pragma once

#include <cstdint>
#include <span>

#include "opaline/bigint/integer.h"

namespace opaline {

/// x = a + b·m for 0 ≤ x < m²: halves = a, then b, each of m.size() 64-bit words, least significant first;
/// the top word of m is not 0. In time that depends on sizes only (mpn_sec_div_qr).
void split(const Integer& x, std::span<const std::uint64_t> m, std::span<std::uint64_t> halves);

}  // namespace opaline
