#include "opaline/paillier/crt.h"

#include <algorithm>

namespace opaline {

CrtArithmetic::CrtArithmetic(const SecretKey& key, const Backend& backend)
    : primes_{SecretInteger(key.p()), SecretInteger(key.q())},
      p_squared_(key.p() * key.p()),
      q_squared_(key.q() * key.q()),
      p_inverse_(invert_vartime(key.p(), key.q())),
      p_squared_inverse_(invert_vartime(p_squared_.get(), q_squared_.get())),
      parcel_(std::max<std::size_t>(backend.lanes() / 2, 1)) {
  const std::size_t lanes = backend.lanes();
  for (std::size_t group = 0; group * lanes < 2 * parcel_; ++group) {
    std::vector<Integer> moduli;
    for (std::size_t lane = 0; lane < lanes; ++lane) moduli.push_back(prime((group * lanes + lane) % 2));
    groups_.push_back(backend.pair_arithmetic(moduli));
  }
}

Integer CrtArithmetic::combine_squares(const Integer& x_p, const Integer& x_q) const {
  const SecretInteger difference(floor_mod((x_q - x_p) * p_squared_inverse_.get(), q_squared_.get()));
  return x_p + p_squared_.get() * difference.get();
}

Integer CrtArithmetic::combine(const Integer& x_p, const Integer& x_q) const {
  const SecretInteger difference(floor_mod((x_q - x_p) * p_inverse_.get(), prime(1)));
  return x_p + prime(0) * difference.get();
}

}  // namespace opaline
