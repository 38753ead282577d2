#include "commands/report.h"

#include <algorithm>
#include <cstddef>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>

namespace opaline::tools {
namespace {

using Json = nlohmann::ordered_json;

std::string spaced(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return name;
}

// One value as people read it: no quotes, no brackets.
std::string plain(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (!value.is_structured()) return to_text(value);
  std::string text;
  for (const auto& [name, element] : value.items()) {
    if (!text.empty()) text += ", ";
    if (value.is_object()) text += spaced(name) + " ";
    text += plain(element);
  }
  return text;
}

bool is_table(const Json& value) { return value.is_array() && !value.empty() && value.front().is_object(); }

}  // namespace

std::string to_text(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void print_report(const nlohmann::ordered_json& fields, ReportFormat format) {
  if (format == ReportFormat::json) {
    std::cout << to_text(fields) << '\n';
    return;
  }
  std::size_t width = 0;
  for (const auto& [name, value] : fields.items()) width = std::max(width, name.size());
  for (const auto& [name, value] : fields.items()) {
    const auto line = [&](const std::string& title, const Json& content) {
      std::cout << std::left << std::setw(static_cast<int>(width) + 2) << title << plain(content) << '\n';
    };
    if (!is_table(value)) {
      line(spaced(name), value);
      continue;
    }
    for (std::size_t i = 0; i < value.size(); ++i) line(i == 0 ? spaced(name) : "", value[i]);
  }
}

}  // namespace opaline::tools
