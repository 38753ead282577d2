#include "secret_random.h"

#include <sys/random.h>

#include <cstdlib>

#include "opaline/base/constant_time.h"
#include "opaline/base/random.h"

namespace {

bool is_secret = false;

}  // namespace

void opaline::test::mark_randomness_secret(bool secret) { is_secret = secret; }

// Defined in the program itself, it is linked in place of the library's object file of that name.
void opaline::fill_random(std::span<std::uint8_t> buffer) {
  for (std::size_t done = 0; done < buffer.size();) {
    const ssize_t got = ::getrandom(buffer.data() + done, buffer.size() - done, 0);
    if (got < 0) std::abort();
    done += static_cast<std::size_t>(got);
  }
  if (is_secret) mark_secret(buffer);
}
