#pragma once

#include <memory>
#include <utility>

#include "opaline/bigint/integer.h"
#include "opaline/paillier/keys.h"

namespace opaline::test {

/// Noise that a server must not use: h_s^e, h_s = (−x²)^n for an x of its own, e uniform of half the bits of
/// n (Damgård, Jurik, Nielsen 2010, section 4.2).
class DjnServerNoise {
 public:
  explicit DjnServerNoise(PublicKey key) : key_(std::move(key)) {
    const Integer x = random_unit(key_.n());
    base_ = pow_mod_vartime(key_.n() - x * x % key_.n(), key_.n(), key_.n_squared());
  }

  Integer operator()() const {
    return pow_mod_vartime(base_, random_below(Integer(1) << static_cast<unsigned>(key_.bits() / 2)),
                           key_.n_squared());
  }

 private:
  PublicKey key_;
  Integer base_;
};

}  // namespace opaline::test
