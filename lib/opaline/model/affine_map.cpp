#include "opaline/model/affine_map.h"
