#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace opaline {

/// Whether a text from a file may be shown: well-formed UTF-8 (RFC 3629) without control characters (C0, DEL,
/// C1) and without line or paragraph separators.
bool is_plain_text(std::string_view text);

/// A cell or name as an error shows it: in quotes, on one line, not too long.
std::string in_quotes(std::string_view text);

/// How many line breaks an editor sees in a text: LF, CRLF, CR.
std::size_t line_breaks(std::string_view text);

}  // namespace opaline
