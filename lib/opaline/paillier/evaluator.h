#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "opaline/bigint/backend.h"
#include "opaline/paillier/ciphertext.h"
#include "opaline/paillier/keys.h"

namespace opaline {

/// An outputs × inputs matrix of small integers, row by row, not owned.
struct WeightMatrix {
  std::size_t outputs = 0;
  std::size_t inputs = 0;
  std::span<const std::int32_t> values;
  unsigned bits = 0;  ///< sign included: every |weight| < 2^(bits−1); 2 … 24
};

/// Calculates on ciphertexts. Immutable; safe from many threads.
class Evaluator {
 public:
  explicit Evaluator(const PublicKey& key, const Backend& backend = default_backend());
  Evaluator(Evaluator&&) noexcept;
  Evaluator& operator=(Evaluator&&) noexcept;
  ~Evaluator();

  const PublicKey& public_key() const { return key_; }

  /// E(x + y), E(x − y), E(x + k), E(k·x), all mod n. `multiply_vartime`: time depends on k, which may be
  /// negative. Error(wrong_key) for a ciphertext under another key.
  EvaluatedCiphertext add(const EvaluatedCiphertext& x, const EvaluatedCiphertext& y) const;
  EvaluatedCiphertext subtract(const EvaluatedCiphertext& x, const EvaluatedCiphertext& y) const;
  EvaluatedCiphertext add_constant(const EvaluatedCiphertext& x, const Integer& k) const;
  EvaluatedCiphertext multiply_vartime(const EvaluatedCiphertext& x, const Integer& k) const;

  /// E(Σ_j w_kj·x_j) for every output k: buckets by |w| (Pippenger 1976) over ciphertexts inverted in one
  /// batch (Montgomery 1987). x has matrix.inputs ciphertexts. The number of operations depends on the shape
  /// and the bit width of the matrix only, not on its values. Parallel over outputs.
  std::vector<EvaluatedCiphertext> multiply(const WeightMatrix& matrix, std::span<const Ciphertext> x) const;

  /// Multiplies by a fresh r^n, r uniform in Z*_n from this machine's own generator: the only way from a
  /// result to a ciphertext that may be sent. Always full length, never a shortcut (a dishonest key could
  /// read the result's history from anything less). Parallel, in order.
  Ciphertext rerandomise(const EvaluatedCiphertext& x) const;
  std::vector<Ciphertext> rerandomise(std::span<const EvaluatedCiphertext> x) const;

 private:
  PublicKey key_;
  std::unique_ptr<const PairArithmetic> arithmetic_;
};

}  // namespace opaline
