#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace opaline::tools {

enum class ReportFormat { text, json };

/// Prints the fields of an object on standard output in their order: as aligned lines for people, or as one
/// line of JSON. In text an array of objects becomes one line an element.
void print_report(const nlohmann::ordered_json& fields, ReportFormat format);

/// The JSON text of a value on one line; bytes that are not UTF-8 are replaced.
std::string to_text(const nlohmann::ordered_json& value);

}  // namespace opaline::tools
