#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "opaline/base/bytes.h"

namespace opaline {

/// What an .npy file holds.
struct NpyContents {
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::vector<double> values;     ///< rows × columns, row by row; may be NaN or infinite
  bool single_precision = false;  ///< they were float32
};

/// Whether a file opens as .npy files do.
bool is_npy(ByteView file);

/// Reads an .npy file (NumPy's "NEP 1: a simple file format for NumPy arrays", versions 1.0 to 3.0) as
/// Table::read says; `name` opens the error texts. Error(damaged) or Error(too_large). Sizes are checked
/// against the file before memory is taken.
NpyContents parse_npy(ByteView file, const std::string& name);

}  // namespace opaline
