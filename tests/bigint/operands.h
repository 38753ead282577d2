#pragma once

#include <cstddef>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "opaline/bigint/pair_arithmetic.h"

namespace opaline::test {

/// Repeatable numbers for tests.
class Numbers {
 public:
  explicit Numbers(std::uint64_t seed) : engine_(seed) {}

  /// Below 2^bits: uniform, or every other time long runs of equal bits, where carries travel far.
  Integer bits(std::size_t count);

  Integer below(const Integer& bound) { return bits(bit_length(bound) + 8) % bound; }

  /// Odd, of exactly that many bits.
  Integer odd(std::size_t bits);

  std::size_t index(std::size_t count) { return engine_() % count; }

 private:
  std::mt19937_64 engine_;
  bool runs_ = false;
};

Integer power_of_two(std::size_t exponent);

/// In so many words.
WordVector words_of(const Integer& x, std::size_t size);

/// Odd moduli of exactly that many bits (at least 2) at which arithmetic by limbs of 64 or 52 bits goes
/// wrong if it does anywhere: the smallest, the largest, a limb of ones or zeros at either end.
std::vector<Integer> structured_moduli(std::size_t bits);

/// As many of them as a backend has lanes, from the i-th on.
std::vector<Integer> rotated(std::span<const Integer> numbers, std::size_t first, std::size_t count);

/// Numbers below m² of the same sort; equally many for every modulus of one size.
std::vector<Integer> structured_operands(const Integer& m);

/// An element of a number per lane.
WordVector load_element(const PairArithmetic& f, std::span<const Integer> values);
WordVector load_half_element(const PairArithmetic& f, std::span<const Integer> values);

/// A repeatable number below m² (below m for the half form) in every lane.
std::vector<Integer> random_lanes(const PairArithmetic& f, Numbers& numbers);
std::vector<Integer> random_half_lanes(const PairArithmetic& f, Numbers& numbers);

/// Fails the test case, naming the lane and the numbers, unless the element holds what is expected.
void expect_lanes(const PairArithmetic& f, const Word* element, std::span<const Integer> expected,
                  const std::string& operation);

}  // namespace opaline::test
