#include "opaline/paillier/noise.h"

#include <utility>

#include "opaline/bigint/exponentiation.h"

namespace opaline {
namespace {

/// Uniform units with one gcd for all of them.
std::vector<Integer> random_units(const Integer& n, std::size_t count) {
  while (true) {
    std::vector<Integer> units(count);
    Integer product = 1;
    for (Integer& unit : units) {
      unit = random_below(n);
      product = product * unit % n;
    }
    const bool all_units = gcd_vartime(product, n) == 1;
    wipe(product);
    if (all_units) return units;
    for (Integer& unit : units) wipe(unit);
  }
}

}  // namespace

void load_random_units(const PairArithmetic& arithmetic, Word* r, std::size_t count) {
  std::vector<Integer> bases = random_units(arithmetic.modulus(0), count);
  bases.resize(arithmetic.lanes(), 1);
  arithmetic.load(r, bases);
  for (Integer& base : bases) wipe(base);
}

void fresh_public_noise(const PairArithmetic& arithmetic, Word* r, std::size_t count) {
  load_random_units(arithmetic, r, count);
  pow_vartime(arithmetic, r, r, arithmetic.modulus(0));
}

std::vector<Integer> fresh_public_noise(const PairArithmetic& arithmetic) {
  WordVector noise(arithmetic.words());
  fresh_public_noise(arithmetic, noise.data(), arithmetic.lanes());
  return arithmetic.store(noise.data());
}

void hide(const PairArithmetic& arithmetic, std::span<const Integer> plaintexts, Word* noise,
          std::vector<Integer>& ciphertexts) {
  WordVector message(arithmetic.half_words());
  std::vector<Integer> lanes(plaintexts.begin(), plaintexts.end());
  lanes.resize(arithmetic.lanes());
  arithmetic.load_half(message.data(), lanes);
  for (Integer& plaintext : lanes) wipe(plaintext);
  arithmetic.mul_one_plus_km(noise, noise, message.data());
  std::vector<Integer> values = arithmetic.store(noise);
  for (std::size_t i = 0; i < plaintexts.size(); ++i) ciphertexts.push_back(std::move(values[i]));
}

}  // namespace opaline
