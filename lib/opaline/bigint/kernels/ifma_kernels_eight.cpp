#define OPALINE_IFMA_LANES 8
#include "opaline/bigint/kernels/ifma_kernels_impl.h"
