#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "opaline/base/outcome.h"
#include "opaline/bigint/backend.h"
#include "opaline/paillier/ciphertext.h"
#include "opaline/paillier/ciphertext_vector.h"
#include "opaline/paillier/keys.h"
#include "opaline/paillier/lane_widths.h"
#include "opaline/paillier/reply_noise.h"
#include "opaline/paillier/weight_matrix.h"

namespace opaline {

struct AffineTask;

/// Calculates on ciphertexts. Immutable; safe from many threads.
class Evaluator {
 public:
  explicit Evaluator(const PublicKey& key, const Backend& backend = default_backend());
  Evaluator(Evaluator&&) noexcept;
  Evaluator& operator=(Evaluator&&) noexcept;
  ~Evaluator();

  const PublicKey& public_key() const { return key_; }

  /// E(x + y), E(x − y), E(x + k), E(k·x), all mod n. `multiply_vartime`: time depends on k, which may be
  /// negative; add_constant is constant-time in a k in (−n/2, n/2), but for how many words it is kept in.
  /// Error(wrong_key) for a ciphertext under another key.
  EvaluatedCiphertext add(const EvaluatedCiphertext& x, const EvaluatedCiphertext& y) const;
  EvaluatedCiphertext subtract(const EvaluatedCiphertext& x, const EvaluatedCiphertext& y) const;
  EvaluatedCiphertext add_constant(const EvaluatedCiphertext& x, const Integer& k) const;
  EvaluatedCiphertext multiply_vartime(const EvaluatedCiphertext& x, const Integer& k) const;

  /// Many at a time, in parallel: what pays for whoever calculates more than one step with them. Vectors are
  /// good for every evaluator of the same key and backend; those of different length or of another backend do
  /// not go together: Error(invalid_argument).
  CiphertextVector load(std::span<const Ciphertext> ciphertexts) const;
  std::vector<EvaluatedCiphertext> store(const CiphertextVector& x) const;

  /// x_i += y_i; x_i *= k for every i, time depending on k, which may be negative.
  void add_to(CiphertextVector& x, const CiphertextVector& y) const;
  void multiply_by_vartime(CiphertextVector& x, const Integer& k) const;

  /// How this evaluator applies a matrix; good for every evaluator of the same backend.
  MatrixSchedule schedule(const WeightMatrix& matrix) const;

  /// E(y_k) for every output k of the matrix, y as in WeightMatrix. x holds schedule.inputs() ciphertexts a
  /// query, of one query or of several that fill the lanes together; the results follow each other likewise.
  /// The number of operations depends on the shape and the bit width of the matrix only, not on its values.
  /// Parallel.
  std::vector<EvaluatedCiphertext> multiply(const MatrixSchedule& schedule,
                                            std::span<const Ciphertext> x) const;

  /// E(y_k + constants[k]) for every output k of every query, re-randomised: multiply, add_constant and
  /// rerandomise in one, the noise made beside the products. affine_together (affine_batch.h) does the same
  /// for several keys at once.
  std::vector<Ciphertext> affine(const MatrixSchedule& schedule, std::span<const Integer> constants,
                                 std::span<const Ciphertext> x) const;

  /// Multiplies by a fresh r^n, r uniform in Z*_n from this machine's own generator: the only way from a
  /// result to a ciphertext that may be sent. Always full length, never a shortcut (a dishonest key could
  /// read the result's history from anything less). Parallel, in order.
  Ciphertext rerandomise(const EvaluatedCiphertext& x) const;
  std::vector<Ciphertext> rerandomise(std::span<const EvaluatedCiphertext> x) const;

 private:
  friend class AffineBatch;
  friend std::vector<Outcome<std::vector<Ciphertext>>> affine_together(std::span<const AffineTask> tasks);

  void check(const MatrixSchedule& schedule, std::span<const Ciphertext> x) const;
  void check(const MatrixSchedule& schedule, std::span<const Integer> constants,
             std::span<const Ciphertext> x) const;
  void check(const CiphertextVector& x) const;

  /// step(element) for every element of x, in parallel where there are many.
  template <typename Step>
  void for_elements(CiphertextVector& x, const Step& step) const;

  PublicKey key_;
  std::unique_ptr<const LaneWidths> arithmetic_;
  std::unique_ptr<ReplyNoise> noise_;
};

}  // namespace opaline
