#pragma once

#include <string>
#include <vector>

#include "opaline/model/linear_head.h"

namespace opaline {

/// What fits take out of their inputs first. The bias is not penalised, so the optimum is the same; it is
/// reached in fewer steps and with smaller rounding.
struct Centring {
  std::vector<double> mean;
  std::vector<bool> varies;  ///< whether an input takes two values or more
};

/// Of every input. Error(invalid_argument) if there are no samples, rows are cut short, there are more than
/// kMostInputs inputs or numbers are not finite.
template <typename Number>
Centring centring_of(const SampleRows<Number>& rows);

/// Throws Error(invalid_argument), saying what is wrong with a fit.
[[noreturn]] void refuse_fit(const std::string& why);

/// Error(invalid_argument) unless it is a number of 0 or more.
void check_penalty(double weight_penalty);

}  // namespace opaline
