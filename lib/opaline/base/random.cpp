#include "opaline/base/random.h"

#include <sys/random.h>

#include <cerrno>

#include "opaline/base/error.h"

namespace opaline {

// This file defines nothing else, so that a test program can put a repeatable source in its place when it is
// linked. The library itself has no switch for that.
void fill_random(std::span<std::uint8_t> buffer) {
  while (!buffer.empty()) {
    const ssize_t got = ::getrandom(buffer.data(), buffer.size(), 0);
    if (got < 0) {
      if (errno == EINTR) continue;
      throw Error(ErrorKind::io, "the system's random number generator is not available (getrandom failed)");
    }
    buffer = buffer.subspan(static_cast<std::size_t>(got));
  }
}

}  // namespace opaline
