#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace opaline::test {

/// The mappings of this process, as they are when it is made (proc(5), smaps).
class MemoryMap {
 public:
  struct Region {
    std::uintptr_t first;
    std::uintptr_t end;
    bool writable;
    bool left_out_of_dumps;
    bool wiped_on_fork;
    std::string name;
  };

  MemoryMap();

  const std::vector<Region>& regions() const { return regions_; }
  bool is_left_out_of_dumps(const void* address) const;

 private:
  std::vector<Region> regions_;
};

}  // namespace opaline::test
