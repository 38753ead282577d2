#pragma once

#include <string_view>

namespace opaline {

/// Whether a text from a file may be shown: well-formed UTF-8 (RFC 3629) without control characters (C0, DEL,
/// C1) and without line or paragraph separators.
bool is_plain_text(std::string_view text);

}  // namespace opaline
