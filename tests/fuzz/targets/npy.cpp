#include <bit>

#include "fuzz/memory_file.h"
#include "fuzz/tables.h"
#include "fuzz/targets/targets.h"
#include "model/npy_file.h"

namespace opaline::fuzz {
namespace {

using test::npy_file;

std::vector<Bytes> seeds() {
  const std::string zeros(64, '\0');
  const std::string ones(64, '\1');
  return {bytes_of(npy_file("<f4", "False", "(2, 2)", ones.substr(0, 16))),
          bytes_of(npy_file("<f8", "True", "(2, 3)", ones.substr(0, 48))),
          bytes_of(npy_file("|u1", "False", "(5,)", ones.substr(0, 5))),
          bytes_of(npy_file("<i8", "False", "(1, 2)", zeros.substr(0, 16), 2)),
          bytes_of(npy_file("<i4", "False", "(4, 1)", ones.substr(0, 16), 3))};
}

std::string as_float64(const std::vector<double>& numbers) {
  std::string bytes;
  for (const double number : numbers) {
    const auto bits = std::bit_cast<std::uint64_t>(number);
    for (unsigned i = 0; i < 8; ++i) bytes += static_cast<char>(bits >> (8 * i));
  }
  return bytes;
}

void run(ByteView input) {
  const MemoryFile file(input);
  accepted({ErrorKind::damaged, ErrorKind::too_large}, [&] {
    const Table table = Table::read(file.path());
    use_table(table);
    const std::vector<double> first = numbers_of(table, 0);
    if (first.empty()) return;
    const std::string again =
        npy_file("<f8", "False", "(" + std::to_string(first.size()) + ", 1)", as_float64(first));
    const MemoryFile same(as_bytes(again));
    require(numbers_of(Table::read(same.path()), 0) == first, "numbers are read as they were written");
  });
}

}  // namespace

FuzzTarget npy_target() { return {"npy", seeds, run, mutate_blindly, 300}; }

}  // namespace opaline::fuzz
