#include "opaline/service/back_off.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstring>

#include "opaline/base/random.h"

namespace opaline {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr std::int64_t kYear = std::int64_t{365} * 24 * 3600;

// Uniform but for a share of 2^-32.
milliseconds random_up_to(milliseconds most) {
  std::array<std::uint8_t, sizeof(std::uint64_t)> bytes{};
  fill_random(bytes);
  std::uint64_t number = 0;
  std::memcpy(&number, bytes.data(), bytes.size());
  return milliseconds(static_cast<std::int64_t>(number % (static_cast<std::uint64_t>(most.count()) + 1)));
}

}  // namespace

milliseconds BackOff::wait(std::size_t failures, std::optional<seconds> retry_after) const {
  milliseconds most = std::clamp(first, milliseconds(0), longest);
  for (std::size_t i = 1; i < failures && most < longest; ++i) most = most > longest / 2 ? longest : 2 * most;
  const milliseconds asked = retry_after.value_or(seconds(0));
  return asked + random_up_to(most);
}

std::optional<seconds> parse_retry_after(const std::string& value) {
  const char* const end = value.data() + value.size();
  std::uint32_t number = 0;
  const auto [rest, error] = std::from_chars(value.data(), end, number);
  if (rest != end) return std::nullopt;
  if (error == std::errc::result_out_of_range) return seconds(kYear);
  if (error != std::errc()) return std::nullopt;
  return seconds(std::min<std::int64_t>(number, kYear));
}

}  // namespace opaline
