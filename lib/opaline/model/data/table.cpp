#include "opaline/model/data/table.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <utility>

#include "opaline/base/bytes.h"
#include "opaline/base/error.h"
#include "opaline/base/file.h"
#include "opaline/model/data/csv.h"
#include "opaline/model/data/npy.h"
#include "opaline/model/text.h"

namespace opaline {
namespace {

constexpr std::size_t kNamesShown = 12;
constexpr std::size_t kLongestComparedName = 64;

std::string_view without_blanks(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return result;
}

bool is_missing(std::string_view cell) {
  constexpr std::array<std::string_view, 6> kMissing = {"", "na", "n/a", "nan", "null", "?"};
  return std::find(kMissing.begin(), kMissing.end(), lower_case(cell)) != kMissing.end();
}

// How many letters have to be put in, left out or changed to make one name the other (Levenshtein).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({change, row[j] + 1, row[j - 1] + 1});
    }
  }
  return row[b.size()];
}

// The name most like the one asked for; empty if none is.
std::string similar_name(const std::string& wanted, const std::vector<std::string>& names) {
  if (wanted.size() > kLongestComparedName) return {};
  std::string best;
  std::size_t smallest = std::min<std::size_t>(3, wanted.size() / 2 + 1);
  for (const std::string& name : names) {
    if (name.size() > kLongestComparedName) continue;
    const std::size_t changes = distance(lower_case(without_blanks(wanted)), lower_case(name));
    if (changes < smallest) {
      smallest = changes;
      best = name;
    }
  }
  return best;
}

std::string list(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), kNamesShown); ++i) {
    text += (i == 0 ? "" : ", ") + in_quotes(names[i]);
  }
  if (names.size() > kNamesShown) text += " and " + std::to_string(names.size() - kNamesShown) + " more";
  return text;
}

template <typename Number>
std::string shortest(Number value) {
  std::array<char, 32> digits{};
  return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
}

}  // namespace

Table Table::read(const std::filesystem::path& path, std::span<const std::string> expected) {
  const Bytes file = read_file(path, kTableLimit);
  Table table;
  table.name_ = path.string();
  if (opaline::is_npy(file)) {
    NpyContents contents = parse_npy(file, table.name_);
    table.rows_ = contents.rows;
    table.width_ = contents.columns;
    table.values_ = std::move(contents.values);
    table.single_precision_ = contents.single_precision;
  } else {
    CsvContents contents = parse_csv(file, table.name_, expected);
    table.rows_ = contents.lines.size();
    table.width_ = contents.width;
    table.columns_ = std::move(contents.columns);
    table.classes_ = std::move(contents.classes);
    table.text_ = std::move(contents.text);
    table.ends_ = std::move(contents.ends);
    table.lines_ = std::move(contents.lines);
  }
  return table;
}

void Table::check_position(std::size_t position) const {
  if (position < width_) return;
  throw Error(ErrorKind::invalid_argument, name_ + ": there is no column " + std::to_string(position) +
                                               "; it has " + std::to_string(width_) + ", counted from 0");
}

std::string_view Table::cell(std::size_t row, std::size_t column) const {
  const std::size_t i = row * width_ + column;
  const std::size_t begin = i == 0 ? 0 : ends_[i - 1];
  const std::string_view cell = std::string_view(text_).substr(begin, ends_[i] - begin);
  const bool is_class = !classes_.empty() && column + 1 == width_;
  return is_class ? std::string_view(classes_[class_index(cell, classes_)]) : cell;
}

void Table::refuse(std::size_t row, std::size_t column, const std::string& why) const {
  std::string place = name_ + ": ";
  if (is_npy()) {
    place += "row " + std::to_string(row) + ", column " + std::to_string(column) + " (counted from 0): ";
  } else {
    std::size_t line = lines_[row];
    for (std::size_t before = 0; before < column; ++before) line += line_breaks(cell(row, before));
    place += "line " + std::to_string(line) + ", column " +
             (columns_.empty() ? std::to_string(column + 1) : in_quotes(columns_[column])) + ": ";
  }
  throw Error(ErrorKind::invalid_argument, place + why);
}

double Table::number(std::size_t row, std::size_t column) const {
  constexpr const char* kFillIn = " is missing; fill it in or leave the row out";
  constexpr const char* kNotFinite = " is not a finite number; fill in one or leave the row out";
  if (is_npy()) {
    const double value = values_[row * width_ + column];
    if (std::isnan(value)) refuse(row, column, std::string("NaN") + kFillIn);
    if (!std::isfinite(value)) refuse(row, column, shortest(value) + kNotFinite);
    return value;
  }
  const std::string_view text = without_blanks(cell(row, column));
  if (text.empty()) refuse(row, column, std::string("the cell is empty; fill it in or leave the row out"));
  if (is_missing(text)) refuse(row, column, in_quotes(text) + kFillIn);
  // from_chars knows no plus sign.
  const bool plus = text.size() > 1 && text[0] == '+' && text[1] != '-';
  const std::string_view digits = text.substr(plus ? 1 : 0);
  double value = 0;
  const auto [end, status] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (end != digits.data() + digits.size() || status == std::errc::invalid_argument) {
    const bool comma = text.find(',') != std::string_view::npos;
    refuse(row, column,
           in_quotes(text) + (comma ? " is not a number; write it with a decimal point and no commas"
                                    : " is not a number; correct it or leave the column out"));
  }
  if (status == std::errc::result_out_of_range) {
    refuse(row, column,
           in_quotes(text) + " is beyond the range of double precision; write it in another unit");
  }
  if (!std::isfinite(value)) refuse(row, column, in_quotes(text) + kNotFinite);
  return value;
}

std::vector<double> Table::numbers(std::span<const std::size_t> positions) const {
  for (const std::size_t position : positions) check_position(position);
  std::vector<double> result;
  result.reserve(rows_ * positions.size());
  for (std::size_t row = 0; row < rows_; ++row) {
    for (const std::size_t position : positions) result.push_back(number(row, position));
  }
  return result;
}

std::vector<std::string> Table::texts(std::size_t position) const {
  check_position(position);
  std::vector<std::string> result;
  result.reserve(rows_);
  for (std::size_t row = 0; row < rows_; ++row) {
    if (is_npy()) {
      const double value = number(row, position);
      result.push_back(single_precision_ ? shortest(static_cast<float>(value)) : shortest(value));
    } else {
      if (without_blanks(cell(row, position)).empty()) {
        refuse(row, position, "the cell is empty; fill it in or leave the row out");
      }
      result.emplace_back(cell(row, position));
    }
  }
  return result;
}

std::size_t Table::position(const std::string& column) const {
  if (columns_.empty()) {
    throw Error(
        ErrorKind::invalid_argument,
        name_ + ": its columns have no names; save the table as CSV with a header to choose them by name");
  }
  const auto found = std::find(columns_.begin(), columns_.end(), column);
  if (found != columns_.end()) return static_cast<std::size_t>(found - columns_.begin());
  const std::string similar = similar_name(column, columns_);
  throw Error(ErrorKind::invalid_argument,
              name_ + ": no column " + in_quotes(column) + " among " + list(columns_) +
                  (similar.empty() ? "" : "; did you mean " + in_quotes(similar) + "?"));
}

}  // namespace opaline
