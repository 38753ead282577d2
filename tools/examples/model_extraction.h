#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "opaline/base/bytes.h"
#include "opaline/bigint/backend.h"
#include "opaline/model/client_spec.h"
#include "opaline/paillier/keys.h"

namespace opaline::examples {

/// Answers a query: Server::answer, or RemoteModel::infer.
using Ask = std::function<Bytes(const Bytes& query)>;

/// A model as somebody knows it who may only ask, and what asking took.
struct Extraction {
  std::vector<std::int32_t> weights;  ///< outputs × inputs, row by row
  std::vector<std::int64_t> bias;
  std::size_t inputs_asked = 0;  ///< what a server counts, and a quota
  std::size_t queries = 0;       ///< messages
  std::size_t bytes_up = 0;
  std::size_t bytes_down = 0;
};

/// A client that keeps to the rules asks for the answers to 0 and to every unit vector: spec.sent() + 1
/// inputs, all of them within the model's range. y(0) = b, y(e_j) − y(0) is column j of W.
Extraction extract_by_rules(const ClientSpec& spec, const SecretKey& key, const Ask& ask,
                            const Backend& backend = default_backend());

/// A client that does not, one number a ciphertext: input j is the number 2^(a + j·v), v the bits of a weight
/// and a those of an answer, far outside the model's range, which a server cannot see. The answer
/// b + Σ_j w_j·2^(a + j·v) has the weights side by side: as many as the key has room for, of every row at
/// once.
Extraction extract_by_large_inputs(const ClientSpec& spec, const SecretKey& key, const Ask& ask,
                                   const Backend& backend = default_backend());

/// How many weights of a row such an input reads.
std::size_t weights_a_large_input(const ClientSpec& spec, std::size_t key_bits);

}  // namespace opaline::examples
