#pragma once

#include <vector>

#include "opaline/model/linear_head.h"

namespace opaline {

/// x ↦ (x − mean) / deviation, a pair an input. In float as an ONNX file holds them, so that what was fitted
/// is what is run.
struct Standardisation {
  std::vector<float> mean;
  std::vector<float> deviation;  ///< > 0; 1 for an input that never varies
};

/// Of the samples (the deviation over all of them, not over one fewer). Error(invalid_argument) for none, or
/// for numbers that are not finite or beyond those of a float.
Standardisation standardisation_of(const SampleRows<double>& rows);

/// The samples after it, row by row.
std::vector<double> standardised(const SampleRows<double>& rows, const Standardisation& standardisation);

}  // namespace opaline
