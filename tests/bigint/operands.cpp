#include "operands.h"

#include <algorithm>
#include <catch2/catch.hpp>

namespace opaline::test {

WordVector words_of(const Integer& x, std::size_t size) {
  WordVector words(size);
  to_words(x, words);
  return words;
}

Integer power_of_two(std::size_t exponent) { return Integer(1) << static_cast<unsigned>(exponent); }

Integer Numbers::bits(std::size_t count) {
  std::vector<std::uint64_t> words((count + 63) / 64);
  runs_ = !runs_;
  if (runs_) {
    bool ones = engine_() % 2 == 0;
    for (std::size_t bit = 0; bit < 64 * words.size(); ones = !ones) {
      for (std::size_t run = 1 + engine_() % 80; run > 0 && bit < 64 * words.size(); --run, ++bit) {
        words[bit / 64] |= std::uint64_t{ones} << (bit % 64);
      }
    }
  } else {
    std::generate(words.begin(), words.end(), std::ref(engine_));
  }
  return from_words(words) % power_of_two(count);
}

Integer Numbers::odd(std::size_t count) { return power_of_two(count - 1) + bits(count - 1) / 2 * 2 + 1; }

std::vector<Integer> structured_moduli(std::size_t bits) {
  const Integer smallest = power_of_two(bits - 1) + 1;
  const Integer largest = power_of_two(bits) - 1;
  Numbers numbers(bits);
  std::vector<Integer> moduli = {smallest, largest, numbers.odd(bits), numbers.odd(bits)};
  if (bits <= 130) return moduli;
  for (const std::size_t limb : {52U, 64U}) {
    const Integer low = power_of_two(limb);
    const Integer random = numbers.odd(bits);
    moduli.push_back(random / low * low + 1);          // low limb 1
    moduli.push_back(random / low * low + (low - 1));  // low limb all ones
    moduli.push_back(largest - low + 2);               // 2^bits − 2^limb + 1
    moduli.push_back(smallest + low);
    const std::size_t top = (bits - 1) / limb * limb;  // where the top limb begins
    moduli.push_back(power_of_two(bits - 1) + power_of_two(top) - 1);
  }
  moduli.push_back(largest - 188);  // 2^bits − 189
  return moduli;
}

std::vector<Integer> rotated(std::span<const Integer> numbers, std::size_t first, std::size_t count) {
  std::vector<Integer> result;
  for (std::size_t i = 0; i < count; ++i) result.push_back(numbers[(first + i) % numbers.size()]);
  return result;
}

std::vector<Integer> structured_operands(const Integer& m) {
  const Integer square = m * m;
  const std::size_t bits = bit_length(m);
  Numbers numbers(bits + 1);
  std::vector<Integer> operands = {
      0, 1, 2, m - 1, m, m + 1, 2 * m - 1, square - m, square - m - 1, square - 2, square - 1};
  for (const std::size_t limb : {52U, 64U}) {
    const std::size_t limbs = (bits + limb - 1) / limb;
    const Integer r = power_of_two(limb * limbs);
    operands.push_back(r % square);
    operands.push_back(r % m);
    operands.push_back(r % m * m);
    operands.push_back(r * r % square);
    operands.push_back((power_of_two(limb) - 1) % square);
    operands.push_back(power_of_two(limb * (limbs - 1)) % square);
    operands.push_back((power_of_two(limb) - 1) * power_of_two(limb * (limbs / 2)) % square);
    operands.push_back(power_of_two(limb * (limbs / 2 + 1)) % square * m % square);
  }
  operands.push_back(power_of_two(2 * bits - 2) - 1);  // all limbs of ones
  operands.push_back(power_of_two(bits - 1) - 1);
  operands.push_back((power_of_two(bits - 1) - 1) * (m + 1));
  for (int i = 0; i < 3; ++i) operands.push_back(numbers.below(square));

  // What the backends store for these is v·R: limbs of ones, and halves and quarters whose sum just carries.
  const std::size_t limbs52 = ((bits + 6 + 51) / 52 + 4) / 5 * 5;
  const std::size_t limbs64 = (bits + 63) / 64;
  for (const auto& [limb, limbs] : {std::pair<std::size_t, std::size_t>{52, limbs52}, {64, limbs64}}) {
    const Integer unscale = invert_vartime(power_of_two(limb * limbs), square);
    const auto add_stored = [&](const Integer& a, const Integer& b) {
      operands.push_back((a % m + b % m * m) * unscale % square);
    };
    const Integer ones = power_of_two(bits - 1) - 1;
    const Integer half = power_of_two(limb * (limbs / 2));
    const Integer quarter = power_of_two(limb * (limbs / 4));
    const Integer halves_carry = half - 1 + half;
    const Integer quarters_carry = (quarter - 1 + quarter) * (half + 1);
    add_stored(ones, ones);
    add_stored(halves_carry, ones);
    add_stored(quarters_carry, halves_carry);
    add_stored(half * quarter - 1, quarters_carry);
    add_stored(m - 1, m - 1);
  }
  return operands;
}

WordVector load_element(const PairArithmetic& f, std::span<const Integer> values) {
  WordVector element(f.words());
  f.load(element.data(), values);
  return element;
}

WordVector load_half_element(const PairArithmetic& f, std::span<const Integer> values) {
  WordVector element(f.half_words());
  f.load_half(element.data(), values);
  return element;
}

std::vector<Integer> random_lanes(const PairArithmetic& f, Numbers& numbers) {
  std::vector<Integer> values;
  for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
    values.push_back(numbers.below(f.modulus(lane) * f.modulus(lane)));
  }
  return values;
}

std::vector<Integer> random_half_lanes(const PairArithmetic& f, Numbers& numbers) {
  std::vector<Integer> values;
  for (std::size_t lane = 0; lane < f.lanes(); ++lane) values.push_back(numbers.below(f.modulus(lane)));
  return values;
}

void expect_lanes(const PairArithmetic& f, const Word* element, std::span<const Integer> expected,
                  const std::string& operation) {
  const std::vector<Integer> got = f.store(element);
  for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
    if (got[lane] == expected[lane]) continue;
    FAIL(operation << " in lane " << lane << " mod the square of " << f.modulus(lane) << " gives "
                   << got[lane] << ", not " << expected[lane]);
  }
}

}  // namespace opaline::test
