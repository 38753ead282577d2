#include "opaline/bigint/kernels/avx512ifma.h"
#include "support/needs.h"

const char* opaline::test::what_is_missing() {
  return avx512ifma_backend().supported() ? nullptr : "this machine or this build has no AVX-512 IFMA";
}
