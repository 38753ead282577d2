#include "opaline/paillier/crt.h"

namespace opaline {

CrtArithmetic::CrtArithmetic(const SecretKey& key, const Backend& backend, Halves arrangement)
    : primes_{SecretInteger(key.p()), SecretInteger(key.q())},
      p_squared_(key.p() * key.p()),
      q_squared_(key.q() * key.q()),
      p_inverse_(invert_vartime(key.p(), key.q())),
      cofactors_{SecretInteger(invert_vartime(q_squared_.get(), p_squared_.get())),
                 SecretInteger(invert_vartime(p_squared_.get(), q_squared_.get()))},
      n_squared_(key.public_key().n_squared()),
      parcel_(backend.lanes()) {
  if (arrangement == Halves::side_by_side && backend.lanes() > 1) {
    parcel_ = backend.lanes() / 2;
    std::vector<Integer> moduli;
    for (std::size_t lane = 0; lane < backend.lanes(); ++lane) moduli.push_back(prime(lane % 2));
    groups_.push_back(backend.pair_arithmetic(moduli));
  } else {
    for (std::size_t half = 0; half < 2; ++half) groups_.push_back(uniform_arithmetic(backend, prime(half)));
  }
}

Integer CrtArithmetic::combine_squares(const Integer& x_p_cofactor, const Integer& x_q_cofactor) const {
  Integer x = x_p_cofactor * q_squared_.get() + x_q_cofactor * p_squared_.get();
  if (x >= n_squared_) x -= n_squared_;
  return x;
}

Integer CrtArithmetic::combine(const Integer& x_p, const Integer& x_q) const {
  const SecretInteger difference(floor_mod((x_q - x_p) * p_inverse_.get(), prime(1)));
  return x_p + prime(0) * difference.get();
}

}  // namespace opaline
