#define OPALINE_IFMA_LANES 4
#include "opaline/bigint/kernels/ifma_kernels_impl.h"
