#pragma once

#include <string>

#include "opaline/model/onnx/node.h"

namespace opaline::network {

/// What would help where numbers that depend on the input are multiplied or divided by each other.
inline constexpr const char* kInsteadOfProducts =
    "make one of them constant and train the network again, or give the network a public feature map that "
    "the client computes before it encrypts";

/// Why a node whose operator is in no table is refused, and what would help.
std::string advice_for(const Node& node);

}  // namespace opaline::network
