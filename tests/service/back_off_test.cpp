// How long is waited before something is tried again.

#include "opaline/service/back_off.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>
#include <vector>

using namespace opaline;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

// The shortest and longest of many waits.
std::pair<milliseconds, milliseconds> range_of(const BackOff& back_off, std::size_t failures) {
  std::vector<milliseconds> waits(2000);
  for (milliseconds& one : waits) one = back_off.wait(failures);
  const auto [least, most] = std::minmax_element(waits.begin(), waits.end());
  return {*least, *most};
}

}  // namespace

TEST_CASE("waits double up to the longest, and any shorter one is as likely") {
  const BackOff back_off{milliseconds(100), milliseconds(1000)};
  const std::vector<int> ceilings = {100, 200, 400, 800, 1000, 1000};
  for (std::size_t i = 0; i < ceilings.size(); ++i) {
    CAPTURE(i);
    const auto [least, most] = range_of(back_off, i + 1);
    CHECK(least >= milliseconds(0));
    CHECK(least < milliseconds(ceilings[i] / 10));
    CHECK(most <= milliseconds(ceilings[i]));
    CHECK(most > milliseconds(ceilings[i] * 9 / 10));
  }
  CHECK(range_of(back_off, std::numeric_limits<std::size_t>::max()).second <= milliseconds(1000));
}

TEST_CASE("extreme settings do not overflow") {
  const BackOff endless{milliseconds::max() - milliseconds(1), milliseconds::max() - milliseconds(1)};
  CHECK(endless.wait(5) >= milliseconds(0));
  CHECK(BackOff{milliseconds(0), milliseconds(0)}.wait(1) == milliseconds(0));
  CHECK(BackOff{milliseconds(500), milliseconds(0)}.wait(9) == milliseconds(0));
}

TEST_CASE("what the other side asks for is waited at least") {
  const BackOff back_off{milliseconds(10), milliseconds(10)};
  for (int i = 0; i < 100; ++i) {
    const milliseconds wait = back_off.wait(1, seconds(7));
    CHECK(wait >= seconds(7));
    CHECK(wait <= milliseconds(7010));
  }
}

TEST_CASE("Retry-After is a number of seconds, or not understood") {
  CHECK(parse_retry_after("0") == seconds(0));
  CHECK(parse_retry_after("120") == seconds(120));
  const seconds year(365 * 24 * 3600);
  CHECK(parse_retry_after("4000000000") == year);
  CHECK(parse_retry_after("99999999999999999999999") == year);
  for (const char* other : {"", "-1", "1.5", " 1", "1 ", "soon", "Wed, 21 Oct 2015 07:28:00 GMT"}) {
    CAPTURE(other);
    CHECK_FALSE(parse_retry_after(other));
  }
}
