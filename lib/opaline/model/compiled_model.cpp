#include "opaline/model/compiled_model.h"
