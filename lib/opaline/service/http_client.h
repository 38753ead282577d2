#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "opaline/base/bytes.h"
#include "opaline/service/http.h"
#include "opaline/service/http_url.h"

namespace opaline {

struct HttpClientSettings {
  std::filesystem::path ca_file;  ///< PEM certificates that are trusted beside the system's; or empty
  bool allow_plain_http = false;  ///< also to other machines, where a token would travel in the clear
  std::chrono::milliseconds connect_time{10'000};  ///< for name, connection and TLS handshake together
};

/// A request. It may be sent twice, so it must be one that does no harm then.
struct HttpCall {
  std::string method = "GET";
  std::string path;  ///< "/…", below the prefix of the client's URL; encoded
  HttpFields fields;
  std::string content_type;                              ///< of the body, if there is one
  ByteView body;                                         ///< must stay there during the call
  std::uint64_t largest_reply = std::uint64_t{1} << 20;  ///< bytes of the reply's body
  std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::time_point::max();
};

/// Asks one HTTP/1.1 server, one request after the other, over a connection that is kept between them. With
/// https: TLS 1.2 or later, and a certificate that leads to one of the system's (SSL_CERT_FILE and
/// SSL_CERT_DIR name others) or the settings' and is made out to the URL's host. No proxies, no redirects, no
/// cookies, no compression.
///
/// Replies are limited before they take memory: a header has at most 16 KiB, a body what the call says. One
/// thread at a time. Takes the time of the network, and ends by the call's deadline.
class HttpClient {
 public:
  /// Error(authentication) for plain HTTP to another machine that the settings do not allow, Error(io) for a
  /// CA file that cannot be read. Does not connect.
  explicit HttpClient(HttpUrl url, const HttpClientSettings& settings = {});
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;
  ~HttpClient();

  const HttpUrl& url() const;

  /// The reply, whatever its status. Errors open with the URL:
  ///  - network: no connection, or it was lost, or the time is over; it may be tried again;
  ///  - authentication: no TLS connection with the host that the URL names;
  ///  - too_large: a header or body above its limit;
  ///  - damaged: what came back is not HTTP, or is compressed;
  ///  - invalid_argument: a call that cannot be written as HTTP.
  HttpReply call(const HttpCall& call);

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace opaline
