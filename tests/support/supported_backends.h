#pragma once

#include <vector>

#include "opaline/bigint/backend.h"

namespace opaline::test {

/// The backends this machine can run, fastest first, those with fewer lanes among them.
inline std::vector<const Backend*> supported_backends() {
  std::vector<const Backend*> supported;
  for (const Backend* const backend : backends()) {
    if (!backend->supported()) continue;
    supported.push_back(backend);
    if (&backend->narrower() != backend) supported.push_back(&backend->narrower());
  }
  return supported;
}

}  // namespace opaline::test
