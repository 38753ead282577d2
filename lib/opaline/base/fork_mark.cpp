#include "opaline/base/fork_mark.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>

#include "opaline/base/error.h"

namespace opaline {
namespace {

// The kernel wipes whole pages.
std::size_t page() { return static_cast<std::size_t>(::sysconf(_SC_PAGESIZE)); }

}  // namespace

ForkMark::ForkMark() {
  void* const memory = ::mmap(nullptr, page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw Error(ErrorKind::io, "no memory for a mark that fork takes away");
  if (::madvise(memory, page(), MADV_WIPEONFORK) != 0) {
    ::munmap(memory, page());
    throw Error(ErrorKind::io, "this kernel cannot keep memory from forked processes (Linux 4.14)");
  }
  mark_ = static_cast<unsigned char*>(memory);
  set();
}

ForkMark::~ForkMark() { ::munmap(mark_, page()); }

}  // namespace opaline
