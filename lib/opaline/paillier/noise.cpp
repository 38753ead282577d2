#include "opaline/paillier/noise.h"

#include "opaline/bigint/exponentiation.h"

namespace opaline {

void fresh_public_noise(const PairArithmetic& arithmetic, Word* r) {
  for (std::size_t lane = 0; lane < arithmetic.lanes(); ++lane) {
    const SecretInteger base(random_unit(arithmetic.modulus(lane)));
    arithmetic.import_lane(r, lane, base.get());
  }
  pow_vartime(arithmetic, r, r, arithmetic.modulus(0));
}

}  // namespace opaline
