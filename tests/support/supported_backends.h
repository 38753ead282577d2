#pragma once

#include <vector>

#include "opaline/bigint/backend.h"

namespace opaline::test {

/// The backends this machine can run, fastest first.
inline std::vector<const Backend*> supported_backends() {
  std::vector<const Backend*> supported;
  for (const Backend* const backend : backends()) {
    if (backend->supported()) supported.push_back(backend);
  }
  return supported;
}

}  // namespace opaline::test
