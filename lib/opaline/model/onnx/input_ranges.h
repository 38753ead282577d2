#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "opaline/model/network_notes.h"
#include "opaline/model/onnx/node.h"

namespace opaline::network {

/// Where an input that is standardised lies, six deviations to either side of its mean: the intervals that
/// follow if the only thing done with the whole input, by the first of these nodes or the first two, is
/// (x - mean) / deviation. Nothing otherwise. One interval for each of `inputs` elements.
std::vector<InputRange> standardised_ranges(std::span<const Node> first_nodes, std::size_t inputs);

}  // namespace opaline::network
