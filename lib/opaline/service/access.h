#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "opaline/base/sha256.h"

namespace opaline {

/// A bearer token's holder and what is granted to it.
struct TokenGrant {
  Digest token{};           ///< SHA-256 of the token; the token itself is not kept
  std::string name;         ///< in logs
  double rate = 0;          ///< requests a second in the long run; 0: any
  double burst = 1;         ///< requests at once
  std::uint64_t quota = 0;  ///< inputs a day (UTC); 0: any
};

/// Reads a token file. One grant a line, `#` begins a comment:
///
///     TOKEN [name=NAME] [rate=REQUESTS_A_SECOND] [burst=REQUESTS] [quota=INPUTS_A_DAY]
///
/// A token has 16 to 512 visible ASCII characters. Error(damaged) names the line, never the token; Error(io)
/// if anybody but its owner may use the file.
std::vector<TokenGrant> read_token_file(const std::filesystem::path& path);

/// Who may ask, and how much. A linear model can be worked out from as many answers as it has inputs, and
/// one more: a quota is what bounds that. Safe from many threads.
class Access {
 public:
  using Clock = std::chrono::system_clock;

  /// Everybody may ask as much as they like.
  Access() = default;
  explicit Access(std::vector<TokenGrant> grants);

  /// Takes up other grants; what holders that stay have used is kept.
  void replace(std::vector<TokenGrant> grants);

  bool asks_for_tokens() const;

  /// Whom a request's Authorization field belongs to; nothing if to nobody. Compares with every token, in a
  /// time that does not depend on how much of one is right.
  std::optional<TokenGrant> holder(const std::string& authorization) const;

  /// Counts a request, or inputs. Zero if they are granted, else the time after which to try again.
  std::chrono::seconds take_request(const TokenGrant& holder, Clock::time_point now);
  std::chrono::seconds take_inputs(const TokenGrant& holder, std::size_t inputs, Clock::time_point now);

  /// For inputs that got no answer after all.
  void give_back_inputs(const TokenGrant& holder, std::size_t inputs);

 private:
  struct Used {
    double requests_left = 0;
    Clock::time_point refilled;
    std::int64_t day = -1;
    std::uint64_t inputs = 0;
  };

  mutable std::mutex mutex_;
  std::vector<TokenGrant> grants_;
  std::map<Digest, Used> used_;
};

}  // namespace opaline
