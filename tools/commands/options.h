#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's name
class App;
}

namespace opaline::tools {

/// A half-open range of images: first … last − 1.
struct ImageRange {
  std::size_t first = 0;
  std::size_t last = 0;
};

/// A closed interval of numbers.
struct Interval {
  double lowest = 0.0;
  double highest = 0.0;
};

/// Each reads an option's text; what makes no sense is a usage error (CLI::ValidationError).
ImageRange parse_image_range(const std::string& text);           ///< "0:100"
Interval parse_interval(const std::string& text);                ///< "-1:1.5"
std::vector<std::size_t> parse_sizes(const std::string& text);   ///< "128,64", or "none" for no size at all
std::vector<std::string> parse_labels(const std::string& text);  ///< "cat,dog"

/// The option --range, for commands that take images.
void add_range_option(CLI::App& command, std::optional<ImageRange>& range, const std::string& description);

/// The option --bits of a new key, with the default that `bits` holds.
void add_key_bits_option(CLI::App& command, std::size_t& bits);

/// The footer of a command's help: examples, and where the common options are explained.
void add_examples(CLI::App& command, const std::vector<std::string>& examples);

}  // namespace opaline::tools
