#include <optional>

#include "fuzz/memory_file.h"
#include "fuzz/tables.h"
#include "fuzz/targets/targets.h"

namespace opaline::fuzz {
namespace {

std::vector<Bytes> seeds() {
  return {bytes_of("a,b,c\n1,2,3\n4.5,-6e7,+8\n"),
          bytes_of("\xef\xbb\xbfid,\"a \"\"name\"\"\",gr\xc3\xb6\xc3\x9f"
                   "e\r\n1,\"x,\r\ny\",0.5\r\n\r\n2, z ,-1e3\r\n"),
          bytes_of("2,1,no,yes\n0.5,0\n1.5,1\n"),
          bytes_of("x;y\n1;2\n\n3;NA\n"),
          bytes_of("x\ty\n1\t?\n"),
          bytes_of("1.5,2.5\n3.5,nan\n"),
          bytes_of("0,1,2\n7,8,9\n")};
}

std::string cell_of(const std::string& text) {
  std::string cell = "\"";
  for (const char c : text) cell += c == '"' ? std::string("\"\"") : std::string(1, c);
  return cell + "\"";
}

// The table with every cell in quotes; nothing if a cell is empty, which is an error to ask for.
std::optional<std::string> rewritten(const Table& table) {
  std::vector<std::vector<std::string>> columns;
  for (std::size_t i = 0; i < table.width(); ++i) {
    columns.push_back(texts_of(table, i));
    if (columns.back().empty()) return std::nullopt;
  }
  std::string text;
  for (std::size_t i = 0; i < table.width(); ++i) text += (i == 0 ? "" : ",") + cell_of(table.columns()[i]);
  for (std::size_t row = 0; row < table.rows(); ++row) {
    text += "\n";
    for (std::size_t i = 0; i < table.width(); ++i) text += (i == 0 ? "" : ",") + cell_of(columns[i][row]);
  }
  return text + "\n";
}

void run(ByteView input) {
  const MemoryFile file(input);
  accepted({ErrorKind::damaged, ErrorKind::too_large}, [&] {
    const Table table = Table::read(file.path());
    use_table(table);
    if (table.columns().empty()) return;
    const std::optional<std::string> text = rewritten(table);
    if (!text) return;
    const MemoryFile again(as_bytes(*text));
    const Table same = Table::read(again.path());
    require(same.columns() == table.columns() && same.rows() == table.rows(), "a table is read as written");
    for (std::size_t i = 0; i < table.width(); ++i) {
      require(texts_of(same, i) == texts_of(table, i), "cells are read as they were written");
      require(numbers_of(same, i) == numbers_of(table, i), "numbers are read as they were written");
    }
  });
}

}  // namespace

FuzzTarget csv_target() { return {"csv", seeds, run, mutate_blindly, 300}; }

}  // namespace opaline::fuzz
