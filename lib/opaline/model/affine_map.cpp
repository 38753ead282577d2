#include "opaline/model/affine_map.h"

#include <string>

#include "opaline/base/error.h"

namespace opaline {

std::vector<double> AffineMap::operator()(const std::vector<double>& x) const {
  if (x.size() != inputs) {
    throw Error(ErrorKind::invalid_argument, "the affine map takes " + std::to_string(inputs) +
                                                 " numbers, given " + std::to_string(x.size()));
  }
  std::vector<double> y = bias;
  for (std::size_t k = 0; k < outputs; ++k) {
    for (std::size_t j = 0; j < inputs; ++j) y[k] += weights[k * inputs + j] * x[j];
  }
  return y;
}

}  // namespace opaline
