#pragma once

#include <string>

namespace opaline::test {

/// An .npy file of that header text, padded as NumPy pads it (NumPy's format 1.0; 2.0 and 3.0 have a longer
/// length).
inline std::string npy_of_header(const std::string& dictionary, const std::string& elements,
                                 int version = 1) {
  const std::size_t length_bytes = version == 1 ? 2 : 4;
  std::string header = dictionary;
  while ((8 + length_bytes + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string file = "\x93NUMPY";
  file += static_cast<char>(version);
  file += '\0';
  for (std::size_t i = 0; i < length_bytes; ++i) file += static_cast<char>(header.size() >> (8 * i));
  return file + header + elements;
}

inline std::string npy_file(const std::string& descr, const std::string& fortran_order,
                            const std::string& shape, const std::string& elements, int version = 1) {
  return npy_of_header(
      "{'descr': '" + descr + "', 'fortran_order': " + fortran_order + ", 'shape': " + shape + ", }",
      elements, version);
}

}  // namespace opaline::test
