#pragma once

#include <vector>

#include "opaline/model/data/table.h"

namespace opaline::fuzz {

/// Asks a table for everything it has.
void use_table(const Table& table);

/// The column as text and as numbers, where every cell is one.
std::vector<std::string> texts_of(const Table& table, std::size_t column);
std::vector<double> numbers_of(const Table& table, std::size_t column);

}  // namespace opaline::fuzz
