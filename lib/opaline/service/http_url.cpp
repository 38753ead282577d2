#include "opaline/service/http_url.h"

#include <algorithm>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/asio/ip/address.hpp>
#include <charconv>
#include <cstdint>
#include <locale>
#include <string_view>

#include "opaline/base/bytes.h"
#include "opaline/base/error.h"

namespace opaline {
namespace {

constexpr std::string_view kPlain = "http://";
constexpr std::string_view kTls = "https://";
constexpr std::size_t kLongestUrl = 2048;
constexpr std::size_t kLongestHost = 253;  // of DNS
constexpr const char* kLettersAndDigits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

[[noreturn]] void refuse(const std::string& url, const std::string& why) {
  throw Error(ErrorKind::invalid_argument, url + ": " + why);
}

bool only_of(std::string_view text, const std::string& characters) {
  return text.find_first_not_of(characters) == std::string_view::npos;
}

const char* default_port(bool tls) { return tls ? "443" : "80"; }

boost::asio::ip::address address_of(const std::string& host) {
  boost::system::error_code no_address;
  return boost::asio::ip::make_address(host, no_address);
}

void check_host(const std::string& url, const std::string& host, bool bracketed) {
  if (host.empty()) refuse(url, "names no host; write http://host:port or https://host:port");
  if (bracketed) {
    // A zone (fe80::1%eth0) would have to be left out of certificates and of Host; nobody needs one here.
    if (!address_of(host).is_v6() || host.find('%') != std::string::npos) {
      refuse(url, "what stands in brackets is not an IPv6 address");
    }
    return;
  }
  const std::string names = std::string(kLettersAndDigits) + "-._";
  if (host.size() > kLongestHost || !only_of(host, names)) {
    refuse(url, "the host is neither a name nor an address; IPv6 addresses go in brackets, as in [::1]");
  }
}

std::string checked_port(const std::string& url, std::string_view digits) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc() || end != digits.data() + digits.size() || port == 0) {
    refuse(url, "the port is not a number from 1 to 65535");
  }
  return std::to_string(port);
}

}  // namespace

HttpUrl HttpUrl::parse(const std::string& text) {
  if (text.find('@') != std::string::npos) {
    // Not quoted: what stands before the @ may be a password.
    throw Error(ErrorKind::invalid_argument,
                "a URL with a user name or an @ is not accepted; tokens are given by themselves");
  }
  if (text.size() > kLongestUrl) {
    throw Error(ErrorKind::invalid_argument,
                "a URL of more than " + std::to_string(kLongestUrl) + " characters is not accepted");
  }
  const auto printable = [](char c) { return c > ' ' && c <= '~'; };
  if (!std::all_of(text.begin(), text.end(), printable)) {
    // Not quoted: what is not printable has no place in a message.
    throw Error(ErrorKind::invalid_argument,
                "a URL has no spaces and only ASCII; write other characters as %XX, other hosts in Punycode");
  }
  const std::string lower = boost::algorithm::to_lower_copy(text, std::locale::classic());
  HttpUrl url;
  url.tls = lower.rfind(kTls, 0) == 0;
  if (!url.tls && lower.rfind(kPlain, 0) != 0) refuse(text, "does not begin with http:// or https://");
  if (text.find_first_of("?#") != std::string::npos) {
    refuse(text, "a server's URL has no query and no fragment");
  }
  const std::size_t start = url.tls ? kTls.size() : kPlain.size();
  const std::size_t slash = std::min(text.find('/', start), text.size());
  const std::string authority = lower.substr(start, slash - start);
  url.prefix = text.substr(slash);
  while (!url.prefix.empty() && url.prefix.back() == '/') url.prefix.pop_back();

  const bool bracketed = !authority.empty() && authority.front() == '[';
  std::size_t colon = authority.find(':');
  if (bracketed) {
    const std::size_t close = authority.find(']');
    if (close == std::string::npos) refuse(text, "there is a [ without ]");
    url.host = authority.substr(1, close - 1);
    colon = close + 1;
    if (colon < authority.size() && authority[colon] != ':') refuse(text, "only a :port can follow the ]");
  } else {
    url.host = authority.substr(0, colon);
  }
  check_host(text, url.host, bracketed);
  const bool has_port = colon < authority.size();
  url.port =
      has_port ? checked_port(text, std::string_view(authority).substr(colon + 1)) : default_port(url.tls);
  return url;
}

std::string HttpUrl::authority() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port == default_port(tls) ? name : name + ":" + port;
}

std::string HttpUrl::text(const std::string& path) const {
  return std::string(tls ? kTls : kPlain) + authority() + prefix + path;
}

bool HttpUrl::is_loopback() const { return host == "localhost" || address_of(host).is_loopback(); }

std::string path_segment(const std::string& text) {
  const std::string plain = std::string(kLettersAndDigits) + "-._~";
  // "." and ".." would be understood as steps in the path.
  const bool dots = text == "." || text == "..";
  std::string segment;
  for (const char c : text) {
    if (!dots && plain.find(c) != std::string::npos) {
      segment += c;
    } else {
      const auto byte = static_cast<std::uint8_t>(c);
      segment += "%" + boost::algorithm::to_upper_copy(to_hex({&byte, 1}), std::locale::classic());
    }
  }
  return segment;
}

}  // namespace opaline
