#pragma once

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <stdexcept>
#include <string>

#include "opaline/base/bytes.h"

namespace opaline::fuzz {

/// A file that is never on a disk, for readers that want a path. Its owner's alone, as files of secrets are.
class MemoryFile {
 public:
  explicit MemoryFile(ByteView contents) : descriptor_(::memfd_create("input", MFD_CLOEXEC)) {
    for (ByteView rest = contents; descriptor_ >= 0 && !rest.empty();) {
      const ssize_t count = ::write(descriptor_, rest.data(), rest.size());
      if (count <= 0) break;
      rest = rest.subspan(static_cast<std::size_t>(count));
    }
    if (descriptor_ < 0 || ::fchmod(descriptor_, S_IRUSR | S_IWUSR) != 0 ||
        ::lseek(descriptor_, 0, SEEK_END) != static_cast<off_t>(contents.size())) {
      throw std::runtime_error("no file can be made in memory");
    }
  }
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  ~MemoryFile() { ::close(descriptor_); }

  std::string path() const { return "/proc/self/fd/" + std::to_string(descriptor_); }

 private:
  int descriptor_ = -1;
};

}  // namespace opaline::fuzz
