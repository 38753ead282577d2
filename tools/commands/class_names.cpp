#include "commands/class_names.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <set>

#include "opaline/base/error.h"
#include "opaline/model/affine_map.h"
#include "opaline/model/text.h"

namespace opaline::tools {
namespace {

constexpr std::size_t kLongestName = 256;  // bytes, as in a client spec

std::optional<double> number(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) return std::nullopt;
  return value;
}

}  // namespace

std::vector<std::string> class_names(const std::vector<std::string>& texts, const std::string& source) {
  const std::set<std::string> different(texts.begin(), texts.end());
  if (different.size() < 2) {
    throw Error(ErrorKind::invalid_argument, source + ": all labels are the same; there must be two classes");
  }
  if (different.size() > kMostOutputs) {
    throw Error(ErrorKind::invalid_argument, source + ": " + std::to_string(different.size()) +
                                                 " different labels are too many for classes; quantities "
                                                 "are learnt with --target-column");
  }
  const auto has_a_fraction = [](const std::string& name) {
    const std::optional<double> value = number(name);
    return value && *value != std::floor(*value);
  };
  if (2 * different.size() > texts.size() &&
      std::any_of(different.begin(), different.end(), has_a_fraction)) {
    throw Error(ErrorKind::invalid_argument,
                source + ": " + std::to_string(different.size()) + " different numbers in " +
                    std::to_string(texts.size()) +
                    " rows are no classes; quantities are learnt with --target-column");
  }
  for (const std::string& name : different) {
    if (name.size() <= kLongestName && is_plain_text(name)) continue;
    throw Error(
        ErrorKind::invalid_argument,
        source + ": the label " + in_quotes(name) +
            " cannot be the name of a class: it has to be plain UTF-8 of 1 to 256 bytes, without tabs "
            "and line breaks");
  }
  std::vector<std::string> names(different.begin(), different.end());
  if (std::all_of(names.begin(), names.end(), [](const std::string& name) { return number(name); })) {
    std::stable_sort(names.begin(), names.end(),
                     [](const std::string& a, const std::string& b) { return *number(a) < *number(b); });
  }
  return names;
}

std::vector<std::uint16_t> classes_of(const std::vector<std::string>& texts,
                                      const std::vector<std::string>& names) {
  std::map<std::string, std::uint16_t> place;
  for (std::size_t k = 0; k < names.size(); ++k) place[names[k]] = static_cast<std::uint16_t>(k);
  std::vector<std::uint16_t> classes;
  classes.reserve(texts.size());
  for (const std::string& text : texts) classes.push_back(place.at(text));
  return classes;
}

}  // namespace opaline::tools
