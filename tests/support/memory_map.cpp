#include "support/memory_map.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace opaline::test {

MemoryMap::MemoryMap() {
  std::ifstream file("/proc/self/smaps");
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    if (line.rfind("VmFlags:", 0) == 0) {
      regions_.back().left_out_of_dumps = line.find(" dd") != std::string::npos;
      regions_.back().wiped_on_fork = line.find(" wf") != std::string::npos;
      continue;
    }
    std::uintptr_t first = 0;
    std::uintptr_t end = 0;
    char dash = 0;
    std::string rights;
    if (!(fields >> std::hex >> first >> dash >> end >> rights) || dash != '-') continue;
    std::string offset;
    std::string device;
    std::string inode;
    std::string name;
    fields >> offset >> device >> inode >> name;
    regions_.push_back({first, end, rights[0] == 'r' && rights[1] == 'w', false, false, name});
  }
}

bool MemoryMap::is_left_out_of_dumps(const void* address) const {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  return std::any_of(regions_.begin(), regions_.end(), [at](const Region& region) {
    return region.first <= at && at < region.end && region.left_out_of_dumps;
  });
}

}  // namespace opaline::test
