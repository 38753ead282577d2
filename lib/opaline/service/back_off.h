#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>

namespace opaline {

/// How long to wait before something is tried again: exponential back-off with full jitter, so that clients
/// that were refused together do not come back together.
struct BackOff {
  std::chrono::milliseconds first{500};  ///< most that is waited after the first failure; then twice that
  std::chrono::milliseconds longest{
      30'000};  ///< most that is waited at all, unless the other side asks for more

  /// After so many failures, at least one: uniformly random from nothing to the most; on top of what the
  /// other side asks for.
  std::chrono::milliseconds wait(std::size_t failures,
                                 std::optional<std::chrono::seconds> retry_after = std::nullopt) const;
};

/// The value of a field Retry-After in seconds, a year at most; nothing for a date or anything else.
std::optional<std::chrono::seconds> parse_retry_after(const std::string& value);

}  // namespace opaline
