#include "opaline/model/onnx_network.h"
