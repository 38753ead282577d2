// Replies with the noise of Damgård, Jurik and Nielsen: −x² has the Jacobi symbol 1 under n = p·q with p ≡ q
// ≡ 3 (mod 4), and so has every power of it. The symbol of a reply is therefore that of Π c_j^w_kj, and if
// one c_j alone has the symbol −1, it is the parity of the weight w_kj. It takes no key.

#include <gmp.h>

#include <catch2/catch.hpp>
#include <cmath>

#include "hostile/attacks/attacked_server.h"
#include "hostile/attacks/djn_noise.h"
#include "inference/parties.h"

using namespace opaline;
using namespace opaline::test;

namespace {

int jacobi(const Integer& x, const PublicKey& key) {
  return mpz_jacobi(Integer(x % key.n()).backend().data(), key.n().backend().data());
}

/// An encryption r^n of 0 with that symbol, which is r's.
Integer zero_with_symbol(int symbol, const PublicKey& key) {
  Integer r = 1;
  do {
    r = random_unit(key.n());
  } while (jacobi(r, key) != symbol);
  return pow_mod_vartime(r, key.n(), key.n_squared());
}

/// Whether each weight is odd, outputs × inputs: one query an input.
std::vector<bool> read_parities(const AttackedServer& server, const CompiledModel& model,
                                const PublicKey& key) {
  const ClientSpec& spec = model.client_spec();
  const std::vector<Integer> plain(spec.inputs, zero_with_symbol(1, key));
  const Integer marked = zero_with_symbol(-1, key);
  std::vector<bool> odd(spec.outputs * spec.inputs);
  for (std::size_t j = 0; j < spec.inputs; ++j) {
    std::vector<Integer> query = plain;
    query[j] = marked;
    const std::vector<Integer> reply = server(query);
    for (std::size_t k = 0; k < spec.outputs; ++k) odd[k * spec.inputs + j] = jacobi(reply[k], key) == -1;
  }
  return odd;
}

std::size_t right(const std::vector<bool>& odd, const CompiledModel& model) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < odd.size(); ++i) count += odd[i] == (model.weights()[i] % 2 != 0) ? 1U : 0U;
  return count;
}

}  // namespace

TEST_CASE("Jacobi symbols read every weight's parity through h_s^e, and none through the product's r^n") {
  const CompiledModel model = random_model(8, 64, 8);
  const PublicKey& key = alice().public_key();
  REQUIRE((alice().p().value() % 4 == 3 && alice().q().value() % 4 == 3));
  const std::size_t weights = model.weights().size();
  CHECK(right(read_parities(weakened_server(model, key, DjnServerNoise(key)), model, key), model) == weights);

  // Symbols of r^n are fair coins: as many are right as heads fall in 512 throws. That is 86 or more from
  // the half with a probability of at most 2·exp(−2·86²/512) < 2^−40 (Hoeffding).
  const auto guessed =
      static_cast<double>(right(read_parities(product_server(model, key), model, key), model));
  CHECK(std::abs(guessed - static_cast<double>(weights) / 2) < 86);
}
