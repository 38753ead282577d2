#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "opaline/base/bytes.h"

namespace opaline {

/// What a CSV file holds.
struct CsvContents {
  std::size_t width = 0;
  std::vector<std::string>
      columns;  ///< names, distinct and not empty; none if the first line is a row of numbers
  std::vector<std::string> classes;  ///< of scikit-learn's files; empty otherwise
  std::vector<std::size_t> lines;    ///< the line each row begins at, from 1 as in an editor
  std::string text;                  ///< the rows' cells one behind the other, UTF-8
  std::vector<std::uint32_t> ends;   ///< rows × columns: where each cell ends in the text
};

/// Reads CSV as Table::read says; `name` opens the error texts. Error(damaged) or Error(too_large). `file`
/// has at most kTableLimit bytes.
CsvContents parse_csv(ByteView file, const std::string& name, std::span<const std::string> expected = {});

/// The class that a cell of scikit-learn's files means; classes.size() if it means none.
std::size_t class_index(std::string_view cell, const std::vector<std::string>& classes);

}  // namespace opaline
