#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "opaline/model/onnx/operators.h"

/// What stands between the logits and the graph's outputs and is left to the client.
namespace opaline::network {

/// The labels in one of two attributes, as texts; empty if there are none.
std::vector<std::string> class_labels(const Node& node, std::string_view texts, std::string_view integers);

/// ZipMap: the scores under the names of their classes.
Values zip_map(const Node& node, ForwardPass& pass);

/// A node whose first input is finished: one that only renames, reshapes or casts it, picks the largest or
/// names the classes. Error(unsupported_model), naming the node that finished it, for any other one.
Values apply_to_finished(const Node& node, ForwardPass& pass);

}  // namespace opaline::network
