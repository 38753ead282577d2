#include "opaline/model/quantise.h"
