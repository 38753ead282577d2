#pragma once

#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "opaline/base/bytes.h"
#include "opaline/service/http.h"

namespace opaline {

/// The other side of a connection, while its request is worked on.
class HttpPeer {
 public:
  virtual ~HttpPeer() = default;

  /// Whether it has gone away. One that has only closed its half of the connection has not: asked of such a
  /// one over plain HTTP/1.1, this sends an interim 100, which a client that is gone resets. For the thread
  /// that was called with the peer.
  virtual bool gone() = 0;
};

/// What became of a request, for logs and metrics.
struct HttpExchange {
  HttpRequest request;  ///< empty if none could be read
  unsigned status = 0;  ///< of the reply; 499 if the client had gone before it; 0 if there was no request
  std::uint64_t bytes_in = 0;
  std::uint64_t bytes_out = 0;
  double seconds = 0;   ///< from the request's first byte to the reply's last
  std::string problem;  ///< what went wrong, for whoever runs the server; never a secret
  HttpFields notes;     ///< of the reply
};

/// What a server does with requests. Called from the threads of many connections at once.
class HttpApplication {
 public:
  virtual ~HttpApplication() = default;

  /// Asked when a request's head is there: its reply, or nothing if that depends on the body, which is then
  /// read. A reply here to a request with a body ends the connection.
  virtual std::optional<HttpReply> on_head(const HttpRequest& request) = 0;

  /// The reply to a request whose body was wanted. May take its time.
  virtual HttpReply on_body(const HttpRequest& request, Bytes body, HttpPeer& peer) = 0;

  virtual void on_done(const HttpExchange& exchange) = 0;
};

/// HTTP/1.1 over TCP or TLS, a thread a connection. Everything a stranger can send is limited in size and
/// time (HttpLimits); what is no HTTP, too large or too slow is answered by an error that says so, if anyone
/// still listens. Where connections are used up, the one that has been idle longest makes room.
class HttpServer {
 public:
  /// The certificate to be shown to whoever connects next: null for plain HTTP.
  using TlsSource = std::function<std::shared_ptr<boost::asio::ssl::context>()>;

  /// Listens at once. Error(io) names the address and the system's reason. `application` must outlive it.
  HttpServer(const std::string& address, std::uint16_t port, const HttpLimits& limits, TlsSource tls,
             HttpApplication& application);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  /// stop(), with no time for anybody.
  ~HttpServer();

  std::uint16_t port() const;  ///< where it listens, if 0 was asked for

  std::size_t connections() const;

  /// Takes no more connections, lets requests finish for so long, and then closes what is left. Called once
  /// or more.
  void stop(std::chrono::milliseconds patience);

 private:
  class State;
  std::unique_ptr<State> state_;
};

/// TLS 1.2 and later with a certificate chain and its key, both PEM. Error(io) or Error(damaged) names the
/// file; a key that everybody can read is refused.
std::shared_ptr<boost::asio::ssl::context> tls_context(const std::string& certificate_file,
                                                       const std::string& key_file);

}  // namespace opaline
