#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace opaline {

/// Largest table file accepted: 1 GiB; at most 2^20 columns and 2^24 rows.
inline constexpr std::size_t kTableLimit = std::size_t{1} << 30;

/// A table as it came from a file: cells are made numbers when a column is asked for as numbers, since one
/// that is not may hold text.
class Table {
 public:
  /// Reads CSV (RFC 4180: quotes, CRLF; UTF-8 with or without a byte-order mark; separator comma, or
  /// semicolon or tab if the header has those and no comma) with a header, or .npy (2-D or 1-D; float32,
  /// float64, uint8, int64 or int32, little-endian, C or Fortran order), told apart by content.
  /// scikit-learn's own files (first line "rows,columns,class names...", no header, last column the class's
  /// index) are known by their first line: the columns are then called "x0", "x1", ... and "class", whose
  /// cells become class names. Error(io), Error(damaged), Error(too_large), naming the file and, for CSV, the
  /// line.
  static Table read(const std::filesystem::path& path);

  std::size_t rows() const { return rows_; }
  std::size_t width() const { return width_; }

  /// The header; empty for .npy, whose columns have no names.
  const std::vector<std::string>& columns() const { return columns_; }

  /// rows × positions.size() finite numbers, row by row: the cells of those columns. Error(invalid_argument)
  /// naming file, line and column for an empty or missing cell ("", "NA", "NaN", "null", "?"), text,
  /// infinities.
  std::vector<double> numbers(std::span<const std::size_t> positions) const;

  /// The cells of one column as they stand in the file (numbers of .npy in shortest form). An empty one is an
  /// error as above.
  std::vector<std::string> texts(std::size_t position) const;

  /// Where a column stands. Error(invalid_argument), naming the file and the columns there are (and a similar
  /// name if there is one), if there is none of that name or more than one.
  std::size_t position(const std::string& column) const;

 private:
  std::string name_;
  std::size_t rows_ = 0;
  std::size_t width_ = 0;
  std::vector<std::string> columns_;
  std::vector<std::string> cells_;  ///< rows × width; empty for .npy
  std::vector<std::size_t> lines_;  ///< the line each row begins at, for errors
  std::vector<double> values_;      ///< rows × width of .npy
};

}  // namespace opaline
