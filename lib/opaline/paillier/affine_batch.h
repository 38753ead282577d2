#pragma once

#include <span>
#include <vector>

#include "opaline/base/outcome.h"
#include "opaline/paillier/ciphertext.h"
#include "opaline/paillier/evaluator.h"
#include "opaline/paillier/weight_matrix.h"

namespace opaline {

/// What Evaluator::affine is asked for; everything must outlive the evaluation.
struct AffineTask {
  const Evaluator& evaluator;
  const MatrixSchedule& schedule;
  std::span<const Integer> constants;  ///< schedule.outputs() a query
  std::span<const Ciphertext> x;       ///< schedule.inputs() a query
};

/// Evaluator::affine for several tasks at once, under one key or under several: what each of them gives or
/// throws, in order. Tasks with one schedule whose keys have one length fill the lanes together, and so does
/// the noise of all tasks whose keys have one length; every reply has a fresh, full-length r^n of its own key
/// as always. The lanes of different keys have nothing to do with each other: a result does not depend on
/// what lies beside it, and since every Ciphertext is a unit none can spoil an inversion it shares. Parallel.
/// Throws itself only what concerns no single task, such as no memory.
std::vector<Outcome<std::vector<Ciphertext>>> affine_together(std::span<const AffineTask> tasks);

}  // namespace opaline
