#pragma once

#include <string>

namespace opaline {

/// Where an HTTP server is: http://host[:port][/prefix] or https://…, with IPv6 addresses in brackets.
struct HttpUrl {
  bool tls = false;
  std::string host;    ///< a name or an address, in lower case and without brackets
  std::string port;    ///< in digits, never empty
  std::string prefix;  ///< of all paths: empty, or "/…" without a last slash

  /// Error(invalid_argument) names the URL and what is wrong with it. User names and passwords are refused,
  /// since URLs end up in logs; so are queries, fragments, and anything that is not plain ASCII.
  static HttpUrl parse(const std::string& text);

  /// The URL of a path, which begins with a slash or is empty; the port is left out where it is the scheme's.
  std::string text(const std::string& path = "") const;

  /// The same without scheme and path: what the field Host says.
  std::string authority() const;

  /// Whether the host is this machine: localhost, 127.0.0.0/8 or ::1.
  bool is_loopback() const;
};

/// A text as one segment of a path: everything but letters, digits and -._~ becomes %XX.
std::string path_segment(const std::string& text);

}  // namespace opaline
