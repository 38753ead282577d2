#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "fuzz/memory_file.h"
#include "fuzz/targets/targets.h"
#include "opaline/service/access.h"

namespace opaline::fuzz {
namespace {

std::vector<Bytes> seeds() {
  return {bytes_of("0123456789abcdef\n"),
          bytes_of("# who may ask\n\n"
                   "b6c2b9a1e8b8d1c0 name=clinic rate=2.5 burst=10 quota=1000\n"
                   "\tanother-token-of-length\trate=1e-3 # one in a quarter of an hour\r\n"
                   "ffffffffffffffffffffffffffffffff quota=18446744073709551615")};
}

// The tokens of a file, which its reader does not keep: what a line begins with.
std::vector<std::string> tokens_in(std::string_view text) {
  std::vector<std::string> tokens;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
    line.remove_prefix(std::min(line.find_first_not_of(" \t\r"), line.size()));
    if (line.empty() || line.front() == '#') continue;
    tokens.emplace_back(line.substr(0, line.find_first_of(" \t\r")));
  }
  return tokens;
}

std::string written(double number) {
  std::array<char, 32> text{};
  return {text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr};
}

// Called by its line, then: no name in a file has a blank.
bool is_unnamed(const TokenGrant& grant) { return grant.name.find(' ') != std::string::npos; }

std::string line_of(const std::string& token, const TokenGrant& grant) {
  std::string line = token + " burst=" + written(grant.burst);
  if (!is_unnamed(grant)) line += " name=" + grant.name;
  if (grant.rate > 0) line += " rate=" + written(grant.rate);
  if (grant.quota > 0) line += " quota=" + std::to_string(grant.quota);
  return line + "\n";
}

bool are_same(const TokenGrant& a, const TokenGrant& b) {
  const bool same_name = is_unnamed(a) ? is_unnamed(b) : a.name == b.name;
  return a.token == b.token && same_name && a.rate == b.rate && a.burst == b.burst && a.quota == b.quota;
}

void use(Access& access, const TokenGrant& grant) {
  const Access::Clock::time_point now{std::chrono::hours(24)};
  require(access.take_request(grant, now).count() == 0, "the first request is granted");
  for (int second = 0; second < 3; ++second) {
    require(access.take_request(grant, now + std::chrono::seconds(second)).count() >= 0, "nobody waits back");
  }
  require(access.take_inputs(grant, 1, now).count() == 0, "the first input of a day is granted");
  access.give_back_inputs(grant, 1);
  const bool all = access.take_inputs(grant, std::size_t{1} << 20, now).count() == 0;
  require(all == (grant.quota == 0 || grant.quota >= std::size_t{1} << 20), "a quota is what bounds inputs");
}

void run(ByteView input) {
  const MemoryFile file(input);
  std::vector<TokenGrant> grants;
  if (!accepted({ErrorKind::damaged, ErrorKind::too_large}, [&] { grants = read_token_file(file.path()); })) {
    return;
  }
  const std::vector<std::string> tokens = tokens_in(text_of(input));
  require(tokens.size() == grants.size(), "every line is a grant");
  Access access(grants);
  require(!access.holder("Bearer ") && !access.holder("Bearer 0"), "no token is too short");
  std::string lines;
  for (std::size_t i = 0; i < grants.size(); ++i) {
    const std::optional<TokenGrant> holder = access.holder("Bearer " + tokens[i]);
    require(holder && are_same(*holder, grants[i]), "a token is its holder's");
    use(access, grants[i]);
    lines += line_of(tokens[i], grants[i]);
  }
  const MemoryFile copy(as_bytes(lines));
  const std::vector<TokenGrant> again = read_token_file(copy.path());
  require(std::equal(grants.begin(), grants.end(), again.begin(), again.end(), are_same),
          "grants are read as they were written");
}

}  // namespace

FuzzTarget tokens_target() { return {"tokens", seeds, run, mutate_blindly, 300}; }

}  // namespace opaline::fuzz
