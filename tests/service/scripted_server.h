#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace opaline::test {

/// The server's end of a connection, as a script sees it: bytes, with no HTTP in between.
class Wire {
 public:
  Wire() = default;
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  virtual ~Wire() = default;

  /// What a client sends: header and body of Content-Length, or what came before it went away.
  std::string request();

  /// False when the client is gone.
  bool send(const std::string& bytes);

  /// Sends a piece again and again, `pause` apart, until the client is gone or a few seconds are over.
  void trickle(const std::string& piece, std::chrono::milliseconds pause);

 protected:
  virtual std::size_t read_some(char* memory, std::size_t bytes) = 0;  ///< 0 at the end
  virtual bool write_all(const std::string& bytes) = 0;
};

/// What a server does with one connection, which is closed afterwards.
using Script = std::function<void(Wire&)>;

/// Answers a request with these bytes.
Script says(std::string bytes);

/// HTTP/1.1 replies with a Content-Length.
std::string http_reply(unsigned status, const std::string& body, const std::string& more_fields = "");

/// Listens on 127.0.0.1 and plays one script a connection, in order; the last one again for all further ones.
class ScriptedServer {
 public:
  explicit ScriptedServer(std::vector<Script> scripts, unsigned short port = 0);

  /// With TLS.
  ScriptedServer(std::vector<Script> scripts, boost::asio::ssl::context& tls);
  ~ScriptedServer();

  unsigned short port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  std::size_t connections() const { return connections_; }

 private:
  void serve();

  std::vector<Script> scripts_;
  boost::asio::ssl::context* tls_ = nullptr;
  boost::asio::io_context context_;
  boost::asio::ip::tcp::acceptor acceptor_;
  unsigned short port_;
  std::atomic<std::size_t> connections_ = 0;
  std::atomic<bool> stopped_ = false;
  std::thread thread_;
};

/// A port of 127.0.0.1 where nobody listens.
unsigned short free_port();

}  // namespace opaline::test
