#include "opaline/model/data/csv.h"

#include <csv.h>

#include <algorithm>
#include <charconv>
#include <exception>
#include <optional>
#include <unordered_set>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/model/data/table.h"
#include "opaline/model/text.h"

namespace opaline {
namespace {

constexpr std::size_t kLongestCell = std::size_t{1} << 20;
constexpr std::size_t kBufferStep = std::size_t{1} << 12;  // libcsv's own 128 is slow with long cells
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

[[noreturn]] void damaged(const std::string& name, const std::string& what) {
  throw Error(ErrorKind::damaged, name + ": " + what);
}

std::string at_line(std::size_t line) { return "line " + std::to_string(line); }

// Length of the first line with its break.
std::size_t line_length(std::string_view text) {
  const std::size_t end = text.find_first_of("\r\n");
  if (end == std::string_view::npos) return text.size();
  return text.substr(end, 2) == "\r\n" ? end + 2 : end + 1;
}

// The header decides: commas inside quotes do not separate.
char separator_of(std::string_view text) {
  bool within_quotes = false;
  std::string found;
  for (const char c : text) {
    if (c == '"') within_quotes = !within_quotes;
    if (within_quotes) continue;
    if (c == '\n' || c == '\r') break;
    if (c == ',' || c == ';' || c == '\t') found += c;
    if (c == ',') break;
  }
  for (const char c : {',', ';', '\t'}) {
    if (found.find(c) != std::string::npos) return c;
  }
  return ',';
}

// Lines and tabs may stand in quoted cells and between them; other control characters are in no table.
bool is_text_line(std::string_view line) {
  while (true) {
    const std::size_t end = line.find_first_of("\t\r\n");
    if (!is_plain_text(line.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    line.remove_prefix(end + 1);
  }
}

std::optional<std::size_t> whole_number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool is_number(std::string_view text) {
  double value = 0;
  return !text.empty() &&
         std::from_chars(text.data(), text.data() + text.size(), value).ptr == text.data() + text.size();
}

// "178,13,class_0,class_1,class_2" as scikit-learn begins its files.
bool opens_like_scikit_learn(const std::vector<std::string>& first) {
  return first.size() >= 4 && whole_number(first[0]) && whole_number(first[1]) &&
         std::none_of(first.begin() + 2, first.end(), is_number);
}

// Whether a first line is a row like the others: numbers alone, but not all the names that are expected, nor
// columns that are called 0, 1, 2 or 1, 2, 3.
bool is_row(const std::vector<std::string>& first, std::span<const std::string> expected) {
  if (!std::all_of(first.begin(), first.end(), is_number)) return false;
  const std::unordered_set<std::string_view> names(first.begin(), first.end());
  if (!expected.empty() && std::all_of(expected.begin(), expected.end(),
                                       [&](const std::string& name) { return names.contains(name); })) {
    return false;
  }
  const auto counts_from = [&](std::size_t start) {
    for (std::size_t i = 0; i < first.size(); ++i) {
      if (whole_number(first[i]) != start + i) return false;
    }
    return true;
  };
  return first.size() == 1 || !(counts_from(0) || counts_from(1));
}

// Rows as libcsv reports them. Nothing may be thrown through libcsv, which is C: a failure is kept until the
// parser is back.
class Rows {
 public:
  explicit Rows(const std::string& name) : name_(name) {}

  void begin_line(std::size_t line) {
    if (row_ended_) row_line_ = line;
    row_ended_ = false;
  }

  void rethrow_failure() const {
    if (failure_) std::rethrow_exception(failure_);
  }

  static void on_cell(void* cell, std::size_t size, void* rows) {
    static_cast<Rows*>(rows)->guarded([&](Rows& self) {
      self.add_cell(size == 0 ? std::string_view() : std::string_view(static_cast<const char*>(cell), size));
    });
  }

  static void on_row(int /*terminator*/, void* rows) {
    static_cast<Rows*>(rows)->guarded([](Rows& self) { self.end_row(); });
  }

  std::size_t row_line() const { return row_line_; }

  CsvContents finish(std::span<const std::string> expected) {
    if (first_.empty()) damaged(name_, "is empty; a table begins with a line of column names");
    if (is_row(first_, expected)) {
      take_first_as_row();
      return std::move(contents_);
    }
    if (contents_.lines.empty()) damaged(name_, "has no rows under its first line");
    if (opens_like_scikit_learn(first_) && *whole_number(first_[1]) + 1 == width_) {
      take_scikit_learn();
    } else {
      take_header();
    }
    contents_.width = width_;
    return std::move(contents_);
  }

 private:
  template <typename Action>
  void guarded(const Action& action) {
    if (failure_) return;
    try {
      action(*this);
    } catch (...) {
      failure_ = std::current_exception();
    }
  }

  [[noreturn]] void too_large(const std::string& what) const {
    throw Error(ErrorKind::too_large, name_ + ": " + at_line(row_line_) + ": " + what);
  }

  void add_cell(std::string_view cell) {
    if (cell.size() > kLongestCell) too_large("a cell of more than 1 MiB");
    if (++cells_ > kMostTableColumns) too_large("more than the 1048576 columns that a table may have");
    if (in_first_row_) {
      first_.emplace_back(cell);
      return;
    }
    if (contents_.ends.size() >= kMostTableCells) too_large("more than the 2^27 cells that a table may have");
    contents_.text += cell;
    contents_.ends.push_back(static_cast<std::uint32_t>(contents_.text.size()));
  }

  void end_row() {
    row_ended_ = true;
    const std::size_t cells = std::exchange(cells_, 0);
    if (cells == 0) return;  // an empty line
    if (std::exchange(in_first_row_, false)) {
      first_line_ = row_line_;
      return;
    }
    if (contents_.lines.empty()) width_ = opens_like_scikit_learn(first_) ? cells : first_.size();
    if (cells != width_) {
      damaged(name_, at_line(row_line_) + ": " + std::to_string(cells) + " cells where there are " +
                         std::to_string(width_) + " columns; quote cells that hold the separator");
    }
    if (contents_.lines.size() >= kMostTableRows) too_large("more than the 2^24 rows that a table may have");
    contents_.lines.push_back(row_line_);
  }

  void take_header() {
    if (first_.size() != width_) {
      damaged(name_, at_line(contents_.lines.front()) + ": " + std::to_string(width_) +
                         " cells where there are " + std::to_string(first_.size()) + " columns");
    }
    std::unordered_set<std::string_view> seen;
    for (std::size_t i = 0; i < first_.size(); ++i) {
      const std::string& column = first_[i];
      const std::string place = at_line(first_line_) + ": column " + std::to_string(i + 1);
      if (column.empty()) damaged(name_, place + " has no name; give it one");
      if (!is_plain_text(column)) damaged(name_, place + ": its name has control characters or line breaks");
      if (!seen.insert(column).second) {
        damaged(name_,
                place + ": the name " + in_quotes(column) + " is there twice; columns need different names");
      }
    }
    contents_.columns = std::move(first_);
  }

  // The first line goes before the others.
  void take_first_as_row() {
    if (!contents_.lines.empty() && first_.size() != width_) {
      damaged(name_, at_line(contents_.lines.front()) + ": " + std::to_string(width_) +
                         " cells where there are " + std::to_string(first_.size()) + " columns");
    }
    CsvContents all;
    for (const std::string& cell : first_) {
      all.text += cell;
      all.ends.push_back(static_cast<std::uint32_t>(all.text.size()));
    }
    const auto shift = static_cast<std::uint32_t>(all.text.size());
    all.text += contents_.text;
    for (const std::uint32_t end : contents_.ends) all.ends.push_back(end + shift);
    all.lines.push_back(first_line_);
    all.lines.insert(all.lines.end(), contents_.lines.begin(), contents_.lines.end());
    all.width = first_.size();
    contents_ = std::move(all);
  }

  void take_scikit_learn() {
    const std::size_t claimed = *whole_number(first_[0]);
    if (claimed != contents_.lines.size()) {
      damaged(name_, at_line(first_line_) + " says " + std::to_string(claimed) + " rows, there are " +
                         std::to_string(contents_.lines.size()));
    }
    contents_.classes.assign(first_.begin() + 2, first_.end());
    for (const std::string& name : contents_.classes) {
      if (name.empty() || !is_plain_text(name))
        damaged(name_, at_line(first_line_) + ": a class has no name");
    }
    for (std::size_t i = 0; i + 1 < width_; ++i) contents_.columns.push_back("x" + std::to_string(i));
    contents_.columns.emplace_back("class");
    for (std::size_t row = 0; row < contents_.lines.size(); ++row) {
      const std::string_view cell = last_cell(row);
      if (class_index(cell, contents_.classes) == contents_.classes.size()) {
        damaged(name_, at_line(contents_.lines[row]) + ", column \"class\": " + in_quotes(cell) +
                           " is not the index of one of the " + std::to_string(contents_.classes.size()) +
                           " classes");
      }
    }
  }

  std::string_view last_cell(std::size_t row) const {
    const std::size_t i = row * width_ + width_ - 1;
    const std::size_t begin = i == 0 ? 0 : contents_.ends[i - 1];
    return std::string_view(contents_.text).substr(begin, contents_.ends[i] - begin);
  }

  const std::string& name_;
  CsvContents contents_;
  std::vector<std::string> first_;
  std::size_t first_line_ = 0;
  std::size_t width_ = 0;
  std::size_t cells_ = 0;  // of this row so far
  std::size_t row_line_ = 0;
  bool in_first_row_ = true;
  bool row_ended_ = true;
  std::exception_ptr failure_;
};

// libcsv, line by line, since it does not tell where it is.
class Parser {
 public:
  Parser(char separator, const std::string& name) : name_(name), rows_(name) {
    constexpr unsigned char kOptions = CSV_STRICT | CSV_STRICT_FINI | CSV_REPALL_NL;
    if (::csv_init(&parser_, kOptions) != 0) throw Error(ErrorKind::fault, "libcsv cannot start");
    ::csv_set_delim(&parser_, static_cast<unsigned char>(separator));
    ::csv_set_blk_size(&parser_, kBufferStep);
  }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;
  ~Parser() { ::csv_free(&parser_); }

  void feed(std::string_view line) {
    rows_.begin_line(++line_);
    if (!is_text_line(line)) {
      damaged(name_, at_line(line_) + " is not UTF-8 text; save the table as CSV in UTF-8");
    }
    const std::size_t used =
        ::csv_parse(&parser_, line.data(), line.size(), Rows::on_cell, Rows::on_row, &rows_);
    rows_.rethrow_failure();
    if (used != line.size()) {
      check_memory();
      damaged(name_,
              at_line(line_) + ": a quote inside a cell; put the cell in quotes and double those in it");
    }
  }

  CsvContents finish(std::span<const std::string> expected) {
    const int status = ::csv_fini(&parser_, Rows::on_cell, Rows::on_row, &rows_);
    rows_.rethrow_failure();
    if (status != 0) {
      check_memory();
      damaged(name_, at_line(rows_.row_line()) + ": a quote that opens in this row is never closed");
    }
    return rows_.finish(expected);
  }

 private:
  void check_memory() {
    if (::csv_error(&parser_) == CSV_ENOMEM) throw std::bad_alloc();
  }

  const std::string& name_;
  Rows rows_;
  csv_parser parser_{};
  std::size_t line_ = 0;
};

}  // namespace

CsvContents parse_csv(ByteView file, const std::string& name, std::span<const std::string> expected) {
  std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Parser parser(separator_of(text), name);
  while (!text.empty()) {
    const std::string_view line = text.substr(0, line_length(text));
    parser.feed(line);
    text.remove_prefix(line.size());
  }
  return parser.finish(expected);
}

std::size_t class_index(std::string_view cell, const std::vector<std::string>& classes) {
  return std::min(whole_number(cell).value_or(classes.size()), classes.size());
}

}  // namespace opaline
