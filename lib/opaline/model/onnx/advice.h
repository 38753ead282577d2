#pragma once

#include <string>

#include "opaline/model/onnx/node.h"

namespace opaline::network {

/// Why a node whose operator is in no table is refused, and what would help.
std::string advice_for(const Node& node);

}  // namespace opaline::network
