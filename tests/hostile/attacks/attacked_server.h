#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "opaline/bigint/integer.h"
#include "opaline/model/compiled_model.h"
#include "opaline/paillier/keys.h"

namespace opaline::test {

/// A server as an attacker sees it, in the layout of one value a ciphertext: numbers mod n², one an input, go
/// in; numbers mod n², one an output, come out.
using AttackedServer = std::function<std::vector<Integer>(const std::vector<Integer>& query)>;

/// The product: messages as everybody makes them, answered by Server.
AttackedServer product_server(const CompiledModel& model, const PublicKey& key);

/// A weakened copy of what Server does: Π c_j^w_kj · (1 + constant·n) · noise(), and noise() is not what it
/// ought to be.
AttackedServer weakened_server(const CompiledModel& model, const PublicKey& key,
                               std::function<Integer()> noise);

/// For weakened servers: none at all.
inline Integer no_noise() { return 1; }

/// outputs × inputs random weights below 2^(bits−1) in magnitude, repeatable, and biases.
CompiledModel random_model(std::size_t inputs, std::size_t outputs, unsigned bits);

/// The weights of one output.
std::vector<std::int64_t> row_of(const CompiledModel& model, std::size_t output);

/// What a holder of the secret key finds in a ciphertext.
struct Opened {
  Integer plaintext;  ///< in (−n/2, n/2)
  Integer noise;      ///< r of c = (1 + plaintext·n)·r^n mod n², in [1, n)
};
Opened open(const SecretKey& key, const Integer& ciphertext);

}  // namespace opaline::test
