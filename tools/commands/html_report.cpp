#include <algorithm>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "commands/compile_report.h"
#include "commands/report.h"

namespace opaline::tools {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostDrawnClasses = 40;

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char c : text) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

std::string spaced(std::string name) {
  std::replace(name.begin(), name.end(), '_', ' ');
  return escaped(name);
}

std::string cell(const Json& value) {
  if (value.is_string()) return escaped(value.get<std::string>());
  if (!value.is_array()) return escaped(to_text(value));
  std::string text;
  for (const Json& element : value) text += (text.empty() ? "" : ", ") + cell(element);
  return text;
}

bool is_table(const Json& value) { return value.is_array() && !value.empty() && value.front().is_object(); }

void write_fields(const Json& report, std::ostream& page) {
  page << "<table>\n";
  for (const auto& [name, value] : report.items()) {
    if (!is_table(value) && name != "margins")
      page << "<tr><th>" << spaced(name) << "</th><td>" << cell(value) << "</td></tr>\n";
  }
  page << "</table>\n";
}

void write_table(const std::string& title, const Json& rows, std::ostream& page) {
  page << "<h2>" << title << "</h2>\n<table>\n<tr>";
  for (const auto& [name, value] : rows.front().items()) page << "<th>" << spaced(name) << "</th>";
  page << "</tr>\n";
  for (const Json& row : rows) {
    page << "<tr>";
    for (const auto& [name, value] : row.items()) page << "<td>" << cell(value) << "</td>";
    page << "</tr>\n";
  }
  page << "</table>\n";
}

/// Rows are true classes, columns found ones; the darker, the larger its share of the row.
void write_confusion(const ClientSpec& spec, const std::vector<std::size_t>& confusion, std::ostream& page) {
  const std::size_t classes = spec.classes();
  if (confusion.empty()) return;
  if (classes > kMostDrawnClasses) {
    page << "<p>The confusion matrix of " << classes
         << " classes is too large to be drawn; <code>compile --json</code> has it.</p>\n";
    return;
  }
  constexpr std::size_t kSide = 44;
  constexpr std::size_t kLeft = 120;
  constexpr std::size_t kTop = 30;
  page << "<h2>Confusion matrix</h2>\n<p>Rows: true classes. Columns: classes by the integers.</p>\n"
       << "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << kLeft + kSide * classes << "\" height=\""
       << kTop + kSide * classes << "\" role=\"img\" aria-label=\"confusion matrix\">\n";
  for (std::size_t t = 0; t < classes; ++t) {
    std::size_t total = 0;
    for (std::size_t f = 0; f < classes; ++f) total += confusion[t * classes + f];
    const std::string label = escaped(spec.labels.at(t));
    page << "<text x=\"" << kLeft - 6 << "\" y=\"" << kTop + kSide * t + kSide / 2 + 4
         << "\" text-anchor=\"end\">" << label << "</text>\n<text x=\"" << kLeft + kSide * t + kSide / 2
         << "\" y=\"" << kTop - 8 << "\" text-anchor=\"middle\">" << label << "</text>\n";
    for (std::size_t f = 0; f < classes; ++f) {
      const std::size_t count = confusion[t * classes + f];
      const double share = total == 0 ? 0.0 : static_cast<double>(count) / static_cast<double>(total);
      page << "<rect x=\"" << kLeft + kSide * f << "\" y=\"" << kTop + kSide * t << "\" width=\"" << kSide - 1
           << "\" height=\"" << kSide - 1 << "\" fill=\"" << (t == f ? "#1b6e3c" : "#a3261d")
           << "\" fill-opacity=\"" << std::fixed << std::setprecision(3)
           << (count == 0 ? 0.04 : 0.15 + 0.85 * share) << "\"/>\n";
      if (count == 0) continue;
      page << "<text x=\"" << kLeft + kSide * f + kSide / 2 << "\" y=\"" << kTop + kSide * t + kSide / 2 + 4
           << "\" text-anchor=\"middle\"" << (share > 0.5 ? " fill=\"#fff\"" : "") << '>' << count
           << "</text>\n";
    }
  }
  page << "</svg>\n";
}

/// How far the largest score is from the next: inputs on the left are the ones in danger of flipping.
void write_margins(const Json& margins, const QuantisationReport& quantisation, std::ostream& page) {
  const auto largest = margins.at("largest").get<double>();
  const auto bars = margins.at("inputs").get<std::vector<std::size_t>>();
  const auto highest = static_cast<double>(*std::max_element(bars.begin(), bars.end()));
  const auto width = static_cast<double>(bars.size());
  constexpr double kWidth = 640;
  constexpr double kHeight = 180;
  page << "<h2>Margins</h2>\n<p>The largest score less the next, for each calibration input; 0 to "
       << std::defaultfloat << std::setprecision(4) << largest << ". The error bound is "
       << quantisation.error_bound << ", the largest error seen " << quantisation.largest_error
       << ".</p>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" << kWidth << "\" height=\""
       << kHeight + 24 << "\" role=\"img\" aria-label=\"histogram of margins\">\n"
       << std::fixed << std::setprecision(2);
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const double height = kHeight * static_cast<double>(bars[i]) / highest;
    page << "<rect x=\"" << kWidth / width * static_cast<double>(i) << "\" y=\"" << kHeight - height
         << "\" width=\"" << kWidth / width - 1 << "\" height=\"" << height << "\" fill=\"#2b5c8a\"><title>"
         << bars[i] << "</title></rect>\n";
  }
  page << std::defaultfloat << "<text x=\"0\" y=\"" << kHeight + 18 << "\">0</text>\n<text x=\"" << kWidth
       << "\" y=\"" << kHeight + 18 << "\" text-anchor=\"end\">" << largest << "</text>\n</svg>\n";
}

}  // namespace

std::string html_report(const Json& report, const QuantisedModel& compiled) {
  const ClientSpec& spec = compiled.model.client_spec();
  std::ostringstream page;
  page
      << "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<title>"
      << escaped(spec.name)
      << ": compiled model</title>\n<style>body{font:15px/1.5 system-ui,sans-serif;margin:2em "
         "auto;max-width:60em;"
         "padding:0 1em}table{border-collapse:collapse}th,td{text-align:left;padding:.2em .8em;"
         "border-bottom:1px solid #ddd;overflow-wrap:anywhere;vertical-align:top}svg text{font-size:13px}"
         "</style>\n</head>\n<body>\n<h1>"
      << escaped(spec.name)
      << "</h1>\n<p>Every answer to every input within the ranges was proved to lie within ±" << spec.bound
      << ". Scores differ from the float network's by at most the error bound. Times are predictions for the "
         "machine this page was made on, as client and as server.</p>\n";
  write_fields(report, page);
  write_confusion(spec, compiled.report.confusion, page);
  if (report.contains("margins")) write_margins(report.at("margins"), compiled.report, page);
  for (const auto& [name, title] : {std::pair{"smallest_flips", "Flips with the smallest margins"},
                                    std::pair{"quantities", "Quantities"}, std::pair{"layouts", "Layouts"}}) {
    if (report.contains(name)) write_table(title, report.at(name), page);
  }
  page << "</body>\n</html>\n";
  return page.str();
}

}  // namespace opaline::tools
