#include "commands/options.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <string_view>
#include <utility>

#include "opaline/base/parse_number.h"
#include "opaline/paillier/keys.h"

namespace opaline::tools {
namespace {

constexpr char kRangeSeparator = ':';
constexpr char kListSeparator = ',';

// The two numbers of "A:B".
template <typename Number>
std::optional<std::pair<Number, Number>> parse_pair(std::string_view text) {
  const std::size_t separator = text.find(kRangeSeparator);
  if (separator == std::string_view::npos) return std::nullopt;
  const auto first = parse_number<Number>(text.substr(0, separator));
  const auto second = parse_number<Number>(text.substr(separator + 1));
  if (!first || !second) return std::nullopt;
  return std::pair(*first, *second);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  std::size_t start = 0;
  while (true) {
    const std::size_t end = text.find(kListSeparator, start);
    parts.push_back(text.substr(start, end - start));
    if (end == std::string::npos) return parts;
    start = end + 1;
  }
}

std::string check_key_bits(const std::string& text) {
  const auto bits = parse_number<std::size_t>(text);
  if (bits && *bits >= kSmallestKeyBits && *bits <= kLargestKeyBits && *bits % 2 == 0) return "";
  return "a key has an even number of bits from " + std::to_string(kSmallestKeyBits) + " to " +
         std::to_string(kLargestKeyBits) + ", not " + text;
}

}  // namespace

ImageRange parse_image_range(const std::string& text) {
  const auto range = parse_pair<std::size_t>(text);
  if (!range || range->first >= range->second) {
    throw CLI::ValidationError("'" + text +
                               "' is no range of images: write FIRST:END, such as 0:100, which "
                               "leaves out the last");
  }
  return {range->first, range->second};
}

Interval parse_interval(const std::string& text) {
  const auto interval = parse_pair<double>(text);
  if (!interval || !std::isfinite(interval->first) || !std::isfinite(interval->second) ||
      interval->first >= interval->second) {
    throw CLI::ValidationError("'" + text + "' is no interval: write LOW:HIGH, such as 0:1");
  }
  return {interval->first, interval->second};
}

std::vector<std::size_t> parse_sizes(const std::string& text) {
  std::vector<std::size_t> sizes;
  if (text == "none") return sizes;
  for (const std::string& part : split(text)) {
    const auto size = parse_number<std::size_t>(part);
    if (!size || *size == 0) {
      throw CLI::ValidationError("'" + text + "' is no list of layer sizes: write 128,64, or none");
    }
    sizes.push_back(*size);
  }
  return sizes;
}

std::vector<std::string> parse_labels(const std::string& text) {
  std::vector<std::string> labels = split(text);
  for (const std::string& label : labels) {
    if (label.empty()) throw CLI::ValidationError("'" + text + "' has an empty label");
  }
  return labels;
}

void add_range_option(CLI::App& command, std::optional<ImageRange>& range, const std::string& description) {
  command
      .add_option_function<std::string>(
          "--range", [&range](const std::string& text) { range = parse_image_range(text); }, description)
      ->type_name("FIRST:END");
}

void add_key_bits_option(CLI::App& command, std::size_t& bits) {
  command.add_option("--bits", bits, "Bits of the key's modulus, 1024 to 8192; below 2048 for tests only")
      ->check(CLI::Validator(check_key_bits, ""));
}

void add_examples(CLI::App& command, const std::vector<std::string>& examples) {
  std::string footer = examples.size() == 1 ? "Example:\n" : "Examples:\n";
  for (const std::string& example : examples) footer += "  " + example + "\n";
  footer += "\nEvery command also takes --threads, --backend and --quiet: see opaline --help.";
  command.footer(footer);
}

}  // namespace opaline::tools
