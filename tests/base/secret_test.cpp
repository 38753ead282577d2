#include "opaline/base/secret.h"

#include <catch2/catch.hpp>
#include <cstdint>
#include <utility>

#include "released_memory.h"

using namespace opaline;
using opaline::test::watched_memory;

namespace {

template <typename T>
void watch(const SecretVector<T>& secret) {
  watched_memory() = {secret.data(), secret.capacity() * sizeof(T), false, false, false};
}

}  // namespace

TEST_CASE("a secret's memory is zero when it is given back") {
  {
    const SecretBytes secret(1000, 0x5a);
    watch(secret);
  }
  CHECK(watched_memory().released);
  CHECK(watched_memory().whole);
  CHECK(watched_memory().zero);
}

TEST_CASE("the memory a secret grows out of is zero when it is given back") {
  SecretVector<std::uint64_t> secret(10, 0x5a5a5a5a5a5a5a5a);
  watch(secret);
  secret.resize(secret.capacity() + 1, 1);
  CHECK(watched_memory().released);
  CHECK(watched_memory().whole);
  CHECK(watched_memory().zero);
  CHECK(secret.front() == 0x5a5a5a5a5a5a5a5a);
}

TEST_CASE("what a secret held behind its end is wiped too") {
  {
    SecretBytes secret(1000, 0x5a);
    secret.resize(1);
    watch(secret);
  }
  CHECK(watched_memory().released);
  CHECK(watched_memory().whole);
  CHECK(watched_memory().zero);
}

TEST_CASE("a moved secret is not copied") {
  SecretBytes secret(1000, 0x5a);
  watch(secret);
  const SecretBytes moved(std::move(secret));
  CHECK(moved.data() == watched_memory().block);
  CHECK_FALSE(watched_memory().released);
}

TEST_CASE("secrets are aligned for vector kernels") {
  for (const std::size_t size : {1U, 3U, 64U, 1000U}) {
    const SecretBytes secret(size);
    CHECK(reinterpret_cast<std::uintptr_t>(secret.data()) % 64 == 0);
  }
}

TEST_CASE("more memory than there can be is refused") {
  WipingAllocator<std::uint64_t> allocator;
  CHECK_THROWS_AS(allocator.allocate(SIZE_MAX / 4), std::bad_array_new_length);
}

TEST_CASE("wipe overwrites what it is told to and no more") {
  unsigned char bytes[] = {1, 2, 3, 4};
  wipe(bytes + 1, 2);
  CHECK(bytes[0] == 1);
  CHECK(bytes[1] == 0);
  CHECK(bytes[2] == 0);
  CHECK(bytes[3] == 4);
}
