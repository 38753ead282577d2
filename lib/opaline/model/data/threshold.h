#pragma once

#include <vector>

namespace opaline {

/// Where numbers fall apart into lower and higher ones.
struct Threshold {
  double value = 0;      ///< the lower ones are at most this, the others above it
  double gap = 0;        ///< between the two sides' means
  double explained = 0;  ///< the share of the variance that lies between the two sides' means, 0 … 1
};

/// Otsu's threshold (IEEE Trans. SMC 9, 1979): the two sides' means are farthest apart, by their weights. Of
/// equal numbers it is the number itself. Not for no numbers.
Threshold threshold_between(std::vector<double> values);

}  // namespace opaline
