#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace opaline {

/// Largest table file accepted: 1 GiB; at most 2^20 columns, 2^24 rows and 2^27 cells.
inline constexpr std::size_t kTableLimit = std::size_t{1} << 30;
inline constexpr std::size_t kMostTableColumns = std::size_t{1} << 20;
inline constexpr std::size_t kMostTableRows = std::size_t{1} << 24;
inline constexpr std::size_t kMostTableCells = std::size_t{1} << 27;

/// A table as it came from a file: cells are made numbers when a column is asked for as numbers, since one
/// that is not may hold text. At least one row and one column. Immutable.
class Table {
 public:
  /// Reads CSV (RFC 4180: quotes, CRLF; UTF-8 with or without a byte-order mark; separator comma, or
  /// semicolon or tab if the header has those and no comma; blanks around cells and empty lines do not count)
  /// with a header of names that differ, or without one if the first line is all numbers that do not count
  /// columns (0,1,2,… or 1,2,3,…), or .npy (2-D or 1-D; float32, float64, uint8, int64 or int32,
  /// little-endian, C or Fortran order; no integer beyond ±2^53), told apart by content.
  /// scikit-learn's own files (first line "rows,columns,class names...", no header, last column the class's
  /// index) are known by their first line: the columns are then called "x0", "x1", ... and "class", whose
  /// cells become class names. A first line with all of the `expected` names, if there are any, is the header
  /// even if they are numbers. Error(io), Error(damaged), Error(too_large), naming the file and, for CSV, the
  /// line.
  static Table read(const std::filesystem::path& path, std::span<const std::string> expected = {});

  std::size_t rows() const { return rows_; }
  std::size_t width() const { return width_; }

  /// The line of a CSV file that each row begins at, from 1; empty for .npy.
  const std::vector<std::size_t>& lines() const { return lines_; }

  /// The header; empty if the columns have no names.
  const std::vector<std::string>& columns() const { return columns_; }

  /// rows × positions.size() finite numbers, row by row: the cells of those columns. Error(invalid_argument)
  /// naming file, line and column for an empty or missing cell ("", "NA", "n/a", "NaN", "null", "?"; small
  /// or capital), text, infinities; or for a position that there is not.
  std::vector<double> numbers(std::span<const std::size_t> positions) const;

  /// The cells of one column as they stand in the file (numbers of .npy in shortest form). An empty one is an
  /// error as above; "NA" and its like are text here.
  std::vector<std::string> texts(std::size_t position) const;

  /// Where a column stands. Error(invalid_argument), naming the file and the columns there are (and a similar
  /// name if there is one), if there is none of that name.
  std::size_t position(const std::string& column) const;

 private:
  bool is_npy() const { return lines_.empty(); }
  void check_position(std::size_t position) const;
  std::string_view cell(std::size_t row, std::size_t column) const;
  double number(std::size_t row, std::size_t column) const;
  [[noreturn]] void refuse(std::size_t row, std::size_t column, const std::string& why) const;

  std::string name_;
  std::size_t rows_ = 0;
  std::size_t width_ = 0;
  std::vector<std::string> columns_;
  std::vector<std::string> classes_;  ///< of scikit-learn's files: what the last column's indices mean
  std::string text_;                  ///< the cells of CSV one behind the other
  std::vector<std::uint32_t> ends_;   ///< rows × width: where each ends in the text
  std::vector<std::size_t> lines_;    ///< the line each row begins at, for errors
  std::vector<double> values_;        ///< rows × width of .npy
  bool single_precision_ = false;     ///< the values were float32: their shortest form is shorter
};

}  // namespace opaline
