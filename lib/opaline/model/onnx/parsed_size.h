#pragma once

#include <cstddef>
#include <optional>

#include "opaline/base/bytes.h"

namespace opaline::network {

/// About how many bytes protobuf takes for the messages, the texts and the whole numbers of an ONNX model,
/// beside what their contents have in the file already; counting stops above `most`. Nothing if it is no
/// such model.
std::optional<std::size_t> parsed_size(ByteView model, std::size_t most);

}  // namespace opaline::network
