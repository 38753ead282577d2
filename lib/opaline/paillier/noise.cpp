#include "opaline/paillier/noise.h"

#include <vector>

#include "opaline/bigint/exponentiation.h"

namespace opaline {

void fresh_public_noise(const PairArithmetic& arithmetic, Word* r) {
  std::vector<Integer> bases(arithmetic.lanes());
  for (std::size_t lane = 0; lane < bases.size(); ++lane) bases[lane] = random_unit(arithmetic.modulus(lane));
  arithmetic.load(r, bases);
  for (Integer& base : bases) wipe(base);
  pow_vartime(arithmetic, r, r, arithmetic.modulus(0));
}

}  // namespace opaline
