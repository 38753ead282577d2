#include "fuzz/tables.h"

#include <algorithm>
#include <cmath>

#include "fuzz/fuzz_target.h"

namespace opaline::fuzz {

std::vector<std::string> texts_of(const Table& table, std::size_t column) {
  std::vector<std::string> texts;
  accepted({ErrorKind::invalid_argument}, [&] { texts = table.texts(column); });
  require(texts.empty() || texts.size() == table.rows(), "a column has a cell a row");
  return texts;
}

std::vector<double> numbers_of(const Table& table, std::size_t column) {
  std::vector<double> numbers;
  const std::size_t columns[] = {column};
  accepted({ErrorKind::invalid_argument}, [&] { numbers = table.numbers(columns); });
  require(numbers.empty() || numbers.size() == table.rows(), "a column has a number a row");
  require(std::all_of(numbers.begin(), numbers.end(), [](double x) { return std::isfinite(x); }),
          "numbers are finite");
  return numbers;
}

void use_table(const Table& table) {
  require(table.rows() > 0 && table.width() > 0, "a table is not empty");
  require(table.columns().empty() || table.columns().size() == table.width(), "all columns have a name");
  for (std::size_t i = 0; i < table.width(); ++i) {
    texts_of(table, i);
    numbers_of(table, i);
    if (!table.columns().empty()) require(table.position(table.columns()[i]) == i, "a column is found");
  }
  accepted({ErrorKind::invalid_argument}, [&] { table.position("no such column"); });
  require(!accepted({ErrorKind::invalid_argument}, [&] { table.texts(table.width()); }), "there is no more");
}

}  // namespace opaline::fuzz
