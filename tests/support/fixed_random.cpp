#include "support/fixed_random.h"

#include <mutex>
#include <random>

#include "opaline/base/random.h"

namespace {

struct Source {
  std::mutex mutex;
  std::mt19937_64 engine;
};

Source& source() {
  static Source instance;
  return instance;
}

}  // namespace

void opaline::test::restart_random(std::uint64_t seed) {
  const std::lock_guard lock(source().mutex);
  source().engine.seed(seed);
}

// Defined in the program itself, it is linked in place of the library's object file of that name.
void opaline::fill_random(std::span<std::uint8_t> buffer) {
  const std::lock_guard lock(source().mutex);
  for (std::uint8_t& byte : buffer) byte = static_cast<std::uint8_t>(source().engine() >> 56);
}
