#include <catch2/catch.hpp>
#include <cstdlib>

#include "opaline/bigint/backend.h"

// Which backend ran is otherwise seen by speed alone.

using namespace opaline;

TEST_CASE("where there is AVX-512 IFMA it is what is used, eight numbers at once") {
  REQUIRE(backend("auto").name() == "avx512ifma");
  REQUIRE(backend("avx512ifma").supported());
  CHECK(uniform_arithmetic(backend("auto"), (Integer(1) << 2048) - 1)->lanes() == 8);
  CHECK(uniform_arithmetic(backend("portable"), (Integer(1) << 2048) - 1)->lanes() == 1);
  // 40 limbs of 52 bits for each half in each lane, not 33 of 64.
  CHECK(uniform_arithmetic(backend("auto"), (Integer(1) << 2048) - 1)->words() == std::size_t{2} * 40 * 8);
}
