#include "opaline/service/access.h"

#include <openssl/crypto.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <cmath>
#include <sstream>
#include <string_view>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/base/file.h"
#include "opaline/base/parse_number.h"
#include "opaline/base/secret.h"

namespace opaline {
namespace {

constexpr std::size_t kTokenFileLimit = std::size_t{1} << 20;
constexpr std::size_t kShortestToken = 16;
constexpr std::size_t kLongestToken = 512;
constexpr std::string_view kScheme = "Bearer ";
constexpr std::chrono::seconds kDay{24 * 60 * 60};

bool is_token(std::string_view text) {
  return text.size() >= kShortestToken && text.size() <= kLongestToken &&
         std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~'; });
}

// The words of a line, up to a comment.
std::vector<std::string_view> words_of(std::string_view line) {
  constexpr std::string_view blanks = " \t\r";
  std::vector<std::string_view> words;
  while (true) {
    const std::size_t first = line.find_first_not_of(blanks);
    if (first == std::string_view::npos || line[first] == '#') return words;
    line.remove_prefix(first);
    const std::size_t end = std::min(line.find_first_of(blanks), line.size());
    words.push_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

// Whether it is one of the options of a grant.
bool set_option(TokenGrant& grant, std::string_view option) {
  const std::size_t sign = option.find('=');
  if (sign == std::string_view::npos) return false;
  const std::string_view name = option.substr(0, sign);
  const std::string_view value = option.substr(sign + 1);
  if (name == "name") {
    grant.name = value;
    return !value.empty();
  }
  if (name == "quota") {
    const auto quota = parse_number<std::uint64_t>(value);
    grant.quota = quota.value_or(0);
    return quota && *quota > 0;
  }
  const auto number = parse_number<double>(value);
  if (!number || !std::isfinite(*number) || *number <= 0) return false;
  if (name == "rate") {
    grant.rate = *number;
    return true;
  }
  grant.burst = *number;
  return name == "burst" && *number >= 1;
}

}  // namespace

std::vector<TokenGrant> read_token_file(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    throw Error(ErrorKind::io, path.string() + ": others than its owner may use these tokens; chmod 600 it");
  }
  const SecretBytes text = read_secret_file(path, kTokenFileLimit);
  std::string_view rest(reinterpret_cast<const char*>(text.data()), text.size());
  std::vector<TokenGrant> grants;
  for (std::size_t line = 1; !rest.empty(); ++line) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    const std::vector<std::string_view> words = words_of(rest.substr(0, end));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (words.empty()) continue;
    const auto refuse = [&](const std::string& why) {
      return Error(ErrorKind::damaged, path.string() + ", line " + std::to_string(line) + ": " + why);
    };
    if (!is_token(words.front())) {
      throw refuse("a token has " + std::to_string(kShortestToken) + " to " + std::to_string(kLongestToken) +
                   " visible characters; make one with: openssl rand -hex 32");
    }
    TokenGrant grant;
    grant.token = sha256(as_bytes(words.front()));
    grant.name = "line " + std::to_string(line);
    for (std::size_t i = 1; i < words.size(); ++i) {
      if (!set_option(grant, words[i])) {
        throw refuse(
            "behind a token stand name=NAME, rate=REQUESTS_A_SECOND, burst=REQUESTS, "
            "quota=INPUTS_A_DAY, and nothing else");
      }
    }
    const auto same = [&](const TokenGrant& other) { return other.token == grant.token; };
    if (std::any_of(grants.begin(), grants.end(), same)) throw refuse("the same token as on a line before");
    grants.push_back(std::move(grant));
  }
  if (grants.empty()) throw Error(ErrorKind::damaged, path.string() + ": holds no token");
  return grants;
}

Access::Access(std::vector<TokenGrant> grants) : grants_(std::move(grants)) {}

void Access::replace(std::vector<TokenGrant> grants) {
  const std::lock_guard lock(mutex_);
  std::map<Digest, Used> kept;
  for (const TokenGrant& grant : grants) {
    const auto found = used_.find(grant.token);
    if (found != used_.end()) kept.insert(*found);
  }
  grants_ = std::move(grants);
  used_ = std::move(kept);
}

bool Access::asks_for_tokens() const {
  const std::lock_guard lock(mutex_);
  return !grants_.empty();
}

std::optional<TokenGrant> Access::holder(const std::string& authorization) const {
  if (!boost::istarts_with(authorization, kScheme)) return std::nullopt;
  const Digest digest = sha256(as_bytes(std::string_view(authorization).substr(kScheme.size())));
  const std::lock_guard lock(mutex_);
  std::optional<TokenGrant> holder;
  for (const TokenGrant& grant : grants_) {
    if (::CRYPTO_memcmp(grant.token.data(), digest.data(), digest.size()) == 0) holder = grant;
  }
  return holder;
}

std::chrono::seconds Access::take_request(const TokenGrant& holder, Clock::time_point now) {
  if (holder.rate == 0) return std::chrono::seconds(0);
  const std::lock_guard lock(mutex_);
  const auto [place, fresh] = used_.try_emplace(holder.token);
  Used& used = place->second;
  if (used.refilled == Clock::time_point()) {
    used.requests_left = holder.burst;
  } else {
    const double passed = std::max(0.0, std::chrono::duration<double>(now - used.refilled).count());
    used.requests_left = std::min(holder.burst, used.requests_left + passed * holder.rate);
  }
  used.refilled = now;
  if (used.requests_left >= 1) {
    used.requests_left -= 1;
    return std::chrono::seconds(0);
  }
  const double wait = std::min((1 - used.requests_left) / holder.rate, 1e6);
  return std::chrono::seconds(static_cast<std::int64_t>(std::ceil(wait)));
}

std::chrono::seconds Access::take_inputs(const TokenGrant& holder, std::size_t inputs,
                                         Clock::time_point now) {
  if (holder.quota == 0) return std::chrono::seconds(0);
  const auto since_epoch = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch());
  const std::int64_t day = since_epoch / kDay;
  const std::lock_guard lock(mutex_);
  Used& used = used_[holder.token];
  if (used.day != day) {
    used.day = day;
    used.inputs = 0;
  }
  if (inputs > holder.quota - std::min(holder.quota, used.inputs)) {
    return std::max(std::chrono::seconds(1), (day + 1) * kDay - since_epoch);
  }
  used.inputs += inputs;
  return std::chrono::seconds(0);
}

void Access::give_back_inputs(const TokenGrant& holder, std::size_t inputs) {
  const std::lock_guard lock(mutex_);
  const auto found = used_.find(holder.token);
  if (found != used_.end()) found->second.inputs -= std::min<std::uint64_t>(found->second.inputs, inputs);
}

}  // namespace opaline
