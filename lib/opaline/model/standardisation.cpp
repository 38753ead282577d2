#include "opaline/model/standardisation.h"

#include <cmath>

#include "opaline/model/centring.h"

namespace opaline {

Standardisation standardisation_of(const SampleRows<double>& rows) {
  const Centring centring = centring_of(rows);
  std::vector<double> squares(rows.inputs);
  for (std::size_t r = 0; r < rows.count(); ++r) {
    for (std::size_t i = 0; i < rows.inputs; ++i) {
      const double away = rows[r][i] - centring.mean[i];
      squares[i] += away * away;
    }
  }
  Standardisation result;
  for (std::size_t i = 0; i < rows.inputs; ++i) {
    const auto mean = static_cast<float>(centring.mean[i]);
    const auto deviation = static_cast<float>(std::sqrt(squares[i] / static_cast<double>(rows.count())));
    if (!std::isfinite(mean) || !std::isfinite(deviation)) {
      refuse_fit("input " + std::to_string(i) + " has numbers too large for single precision; rescale it");
    }
    result.mean.push_back(mean);
    result.deviation.push_back(centring.varies[i] && std::isnormal(deviation) ? deviation : 1.0F);
  }
  return result;
}

std::vector<double> standardised(const SampleRows<double>& rows, const Standardisation& standardisation) {
  std::vector<double> values(rows.values.begin(), rows.values.end());
  for (std::size_t k = 0; k < values.size(); ++k) {
    const std::size_t i = k % rows.inputs;
    values[k] = (values[k] - double{standardisation.mean[i]}) / double{standardisation.deviation[i]};
  }
  return values;
}

}  // namespace opaline
