#include "gmp_paillier.h"

#include <gmp.h>

#include "opaline/base/parallel.h"

namespace opaline::bench {
namespace {

Integer powm(const Integer& base, const Integer& exponent, const Integer& modulus) {
  Integer r;
  mpz_powm(r.backend().data(), base.backend().data(), exponent.backend().data(), modulus.backend().data());
  return r;
}

Integer mulm(const Integer& x, const Integer& y, const Integer& modulus) {
  Integer r;
  mpz_mul(r.backend().data(), x.backend().data(), y.backend().data());
  mpz_mod(r.backend().data(), r.backend().data(), modulus.backend().data());
  return r;
}

/// L_p(x^(p−1) mod p²).
Integer logarithm(const Integer& x, const Integer& p, const Integer& p_squared) {
  return (powm(x % p_squared, p - 1, p_squared) - 1) / p;
}

}  // namespace

GmpPaillier::GmpPaillier(const SecretKey& key)
    : n_(key.public_key().n()),
      n_squared_(key.public_key().n_squared()),
      p_(key.p().value()),
      q_(key.q().value()),
      p_squared_(p_ * p_),
      q_squared_(q_ * q_),
      h_p_(invert_vartime(logarithm(n_ + 1, p_, p_squared_), p_)),
      h_q_(invert_vartime(logarithm(n_ + 1, q_, q_squared_), q_)),
      p_inverse_(invert_vartime(p_, q_)) {}

Integer GmpPaillier::encrypt(const Integer& m) const {
  return mulm(1 + floor_mod(m, n_) * n_, powm(random_unit(n_), n_, n_squared_), n_squared_);
}

Integer GmpPaillier::decrypt(const Integer& c) const {
  const Integer m_p = logarithm(c, p_, p_squared_) * h_p_ % p_;
  const Integer m_q = logarithm(c, q_, q_squared_) * h_q_ % q_;
  const Integer m = m_p + p_ * floor_mod((m_q - m_p) * p_inverse_, q_);
  return m > n_ / 2 ? Integer(m - n_) : m;
}

Integer GmpPaillier::add(const Integer& x, const Integer& y) const { return mulm(x, y, n_squared_); }

Integer GmpPaillier::scale(const Integer& x, std::int64_t k) const {
  return k < 0 ? powm(invert_vartime(x, n_squared_), -k, n_squared_) : powm(x, k, n_squared_);
}

std::vector<Integer> GmpPaillier::affine(std::span<const std::int32_t> weights,
                                         std::span<const std::int64_t> bias,
                                         std::span<const Integer> x) const {
  std::vector<Integer> inverses(x.size());
  parallel_for(x.size(), [&](std::size_t j) { inverses[j] = invert_vartime(x[j], n_squared_); });
  std::vector<Integer> y(bias.size());
  parallel_for(y.size(), [&](std::size_t k) {
    Integer sum = 1 + floor_mod(bias[k], n_) * n_;
    for (std::size_t j = 0; j < x.size(); ++j) {
      const std::int32_t weight = weights[k * x.size() + j];
      sum = mulm(sum, powm(weight < 0 ? inverses[j] : x[j], weight < 0 ? -weight : weight, n_squared_),
                 n_squared_);
    }
    y[k] = sum;
  });
  return y;
}

}  // namespace opaline::bench
