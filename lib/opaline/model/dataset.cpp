#include "opaline/model/dataset.h"
