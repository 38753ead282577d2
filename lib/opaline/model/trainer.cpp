#include "opaline/model/trainer.h"
