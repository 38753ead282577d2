#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace opaline::tools {

/// The different texts of a table's label column, sorted: as numbers if all are, as bytes otherwise.
/// Error(invalid_argument), opened by `source`, unless there are 2 to 4096, and for numbers with fractions
/// that hardly ever come twice, which are quantities.
std::vector<std::string> class_names(const std::vector<std::string>& texts, const std::string& source);

/// Where each text stands among the names, all of which it is.
std::vector<std::uint16_t> classes_of(const std::vector<std::string>& texts,
                                      const std::vector<std::string>& names);

}  // namespace opaline::tools
