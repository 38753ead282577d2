#include "opaline/model/sign_projection.h"

#include <cmath>
#include <numbers>

#include "opaline/model/seeded_random.h"

namespace opaline {

SignProjection::SignProjection(std::size_t inputs, std::size_t outputs, std::uint64_t seed)
    : inputs_(inputs), signs_(inputs * outputs), phases_(outputs) {
  SeededRandom random(seed);
  for (std::size_t k = 0; k < outputs; ++k) {
    for (std::size_t i = 0; i < inputs; ++i) signs_[i * outputs + k] = random.next() % 2 == 0 ? 1.0 : -1.0;
    phases_[k] = random.uniform(0, 2 * std::numbers::pi);
  }
}

std::vector<double> SignProjection::cosines(std::span<const double> h) const {
  const std::size_t outputs = phases_.size();
  std::vector<double> values(outputs);
  for (std::size_t i = 0; i < inputs_; ++i) {
    const double* signs = signs_.data() + i * outputs;
    for (std::size_t k = 0; k < outputs; ++k) values[k] += h[i] * signs[k];
  }
  const double scale = 1 / std::sqrt(static_cast<double>(inputs_));
  for (std::size_t k = 0; k < outputs; ++k) values[k] = std::cos(values[k] * scale + phases_[k]);
  return values;
}

}  // namespace opaline
