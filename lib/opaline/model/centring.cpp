#include "opaline/model/centring.h"

#include <cmath>

#include "opaline/base/error.h"

namespace opaline {

void refuse_fit(const std::string& why) { throw Error(ErrorKind::invalid_argument, "fitting: " + why); }

void check_penalty(double weight_penalty) {
  if (!(weight_penalty >= 0) || !std::isfinite(weight_penalty)) {
    refuse_fit("the weight penalty must be 0 or more");
  }
}

template <typename Number>
Centring centring_of(const SampleRows<Number>& rows) {
  if (rows.inputs == 0 || rows.values.empty()) refuse_fit("there are no samples, or they have no inputs");
  if (rows.inputs > kMostInputs) refuse_fit("samples of more than 2^20 inputs");
  if (rows.values.size() % rows.inputs != 0) refuse_fit("the last sample is cut short");
  Centring centring{std::vector<double>(rows.inputs), std::vector<bool>(rows.inputs, false)};
  const std::span<const Number> first = rows[0];
  // The mean of differences from the first row: exact for an input that never varies.
  for (std::size_t r = 0; r < rows.count(); ++r) {
    const std::span<const Number> row = rows[r];
    for (std::size_t i = 0; i < rows.inputs; ++i) {
      if (!std::isfinite(row[i])) refuse_fit("an input is not a finite number");
      centring.mean[i] += static_cast<double>(row[i]) - static_cast<double>(first[i]);
      if (row[i] != first[i]) centring.varies[i] = true;
    }
  }
  for (std::size_t i = 0; i < rows.inputs; ++i) {
    centring.mean[i] = static_cast<double>(first[i]) + centring.mean[i] / static_cast<double>(rows.count());
    if (!std::isfinite(centring.mean[i])) refuse_fit("the inputs are too large to be added up");
  }
  return centring;
}

template Centring centring_of(const SampleRows<float>& rows);
template Centring centring_of(const SampleRows<double>& rows);

}  // namespace opaline
