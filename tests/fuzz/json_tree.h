#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "fuzz/mutator.h"

namespace opaline::fuzz {

using Json = nlohmann::ordered_json;

std::optional<Json> read_json(ByteView text);
Bytes write_json(const Json& json);

/// Changes a text in a way that suits the format.
using TextChange = std::function<void(std::string& text)>;

/// Changes one value somewhere in the tree: a text by `change_text`, anything into something else, or leaves
/// it out.
void mutate_json(Json& json, Mutator& mutator, const TextChange& change_text);

}  // namespace opaline::fuzz
