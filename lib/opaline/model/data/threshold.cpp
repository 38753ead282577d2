#include "opaline/model/data/threshold.h"

#include <algorithm>
#include <cassert>
#include <numeric>

namespace opaline {

Threshold threshold_between(std::vector<double> values) {
  assert(!values.empty());
  std::sort(values.begin(), values.end());
  const double total = std::accumulate(values.begin(), values.end(), 0.0);
  const auto count = static_cast<double>(values.size());
  double best = 0;
  Threshold threshold{values.back(), 0, 0};
  double below = 0;
  for (std::size_t i = 0; i + 1 < values.size(); ++i) {
    below += values[i];
    if (!(values[i] < values[i + 1])) continue;
    const auto n = static_cast<double>(i + 1);
    const double gap = (total - below) / (count - n) - below / n;
    const double spread = n * (count - n) * gap * gap;
    if (spread > best) {
      best = spread;
      // Of two neighbours among doubles the mean may be the higher one.
      const double middle = (values[i] + values[i + 1]) / 2;
      threshold.value = middle < values[i + 1] ? middle : values[i];
      threshold.gap = gap;
    }
  }
  double variance = 0;
  for (const double value : values) variance += (value - total / count) * (value - total / count);
  if (variance > 0) threshold.explained = best / (count * variance);
  return threshold;
}

}  // namespace opaline
