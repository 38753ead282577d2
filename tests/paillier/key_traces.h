#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "opaline/paillier/keys.h"

namespace opaline::test {

/// Finds what is left of a secret key in the memory of this process: its words as numbers lie in memory, its
/// limbs of 52 bits as vector kernels hold them, runs of eight of its big-endian bytes, and of its base64url
/// text. What it looks for it keeps in another form.
class KeyTraces {
 public:
  explicit KeyTraces(const SecretKey& key);

  /// Where something was found, and what: a line each, not more than a dozen.
  struct Found {
    std::vector<std::string> in_dumps;  ///< in memory that a core dump would contain
    std::size_t left_out_of_dumps = 0;  ///< places in other memory
  };
  Found search() const;

 private:
  bool is_trace(std::uint64_t word) const;
  void add(std::uint64_t word);

  std::vector<std::uint64_t> hidden_;  ///< sorted
  std::vector<std::uint8_t>
      may_be_one_;  ///< by the lowest bits of what is looked for: most words need no search
};

}  // namespace opaline::test
