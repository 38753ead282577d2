#include "service/scripted_server.h"

#include <poll.h>

#include <algorithm>
#include <array>
#include <boost/algorithm/string/case_conv.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>
#include <exception>
#include <string_view>
#include <utility>

#include "opaline/service/timed_stream.h"

namespace opaline::test {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

constexpr std::chrono::seconds kPatience{5};  // so that no test hangs, whatever the client does

constexpr std::string_view kLengthField = "\r\ncontent-length: ";

template <typename Stream>
class StreamWire : public Wire {
 public:
  explicit StreamWire(Stream& stream) : stream_(stream) {}

 protected:
  std::size_t read_some(char* memory, std::size_t bytes) override {
    error_code error;
    const std::size_t count = stream_.read_some(asio::buffer(memory, bytes), error);
    return error ? 0 : count;
  }

  bool write_all(const std::string& bytes) override {
    error_code error;
    asio::write(stream_, asio::buffer(bytes), error);
    return !error;
  }

 private:
  Stream& stream_;
};

std::size_t content_length(const std::string& head) {
  const std::string lower = boost::algorithm::to_lower_copy(head);
  const std::size_t found = lower.find(kLengthField);
  return found == std::string::npos ? 0 : std::stoul(lower.substr(found + kLengthField.size()));
}

}  // namespace

std::string Wire::request() {
  std::string text;
  std::size_t whole = std::string::npos;
  std::array<char, 4096> piece{};
  while (text.size() < whole) {
    const std::size_t count = read_some(piece.data(), piece.size());
    if (count == 0) break;
    text.append(piece.data(), count);
    const std::size_t end = text.find("\r\n\r\n");
    if (whole == std::string::npos && end != std::string::npos) {
      whole = end + 4 + content_length(text.substr(0, end));
    }
  }
  return text;
}

bool Wire::send(const std::string& bytes) { return write_all(bytes); }

void Wire::trickle(const std::string& piece, std::chrono::milliseconds pause) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < end && send(piece)) std::this_thread::sleep_for(pause);
}

Script says(std::string bytes) {
  return [bytes = std::move(bytes)](Wire& wire) {
    wire.request();
    wire.send(bytes);
  };
}

std::string http_reply(unsigned status, const std::string& body, const std::string& more_fields) {
  return "HTTP/1.1 " + std::to_string(status) +
         " Whatever\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + more_fields + "\r\n" + body;
}

namespace {

// A script that fails ends its connection; what the client makes of that fails the test.
void play(const Script& script, Wire& wire) {
  try {
    script(wire);
  } catch (const std::exception& error) {
    wire.send(http_reply(599, error.what()));
  }
}

}  // namespace

ScriptedServer::ScriptedServer(std::vector<Script> scripts, unsigned short port)
    : scripts_(std::move(scripts)),
      acceptor_(context_, tcp::endpoint(asio::ip::address_v4::loopback(), port)),
      port_(acceptor_.local_endpoint().port()),
      thread_([this] { serve(); }) {}

ScriptedServer::ScriptedServer(std::vector<Script> scripts, asio::ssl::context& tls)
    : scripts_(std::move(scripts)),
      tls_(&tls),
      acceptor_(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
      port_(acceptor_.local_endpoint().port()),
      thread_([this] { serve(); }) {}

ScriptedServer::~ScriptedServer() {
  stopped_ = true;
  thread_.join();
}

void ScriptedServer::serve() {
  while (!stopped_) {
    constexpr int kLookAgain = 5;  // milliseconds
    pollfd one{acceptor_.native_handle(), POLLIN, 0};
    if (::poll(&one, 1, kLookAgain) != 1) continue;
    error_code error;
    tcp::socket socket = acceptor_.accept(error);
    if (error) continue;
    TimedStream stream(std::move(socket));
    stream.expire_at(TimedStream::Clock::now() + kPatience);
    const Script& script = scripts_[std::min<std::size_t>(connections_++, scripts_.size() - 1)];
    if (tls_ == nullptr) {
      StreamWire<TimedStream> wire(stream);
      play(script, wire);
      continue;
    }
    asio::ssl::stream<TimedStream> secured(std::move(stream), *tls_);
    secured.handshake(asio::ssl::stream_base::server, error);
    if (error) continue;
    StreamWire<asio::ssl::stream<TimedStream>> wire(secured);
    play(script, wire);
    secured.shutdown(error);
  }
}

unsigned short free_port() {
  asio::io_context context;
  return tcp::acceptor(context, tcp::endpoint(asio::ip::address_v4::loopback(), 0)).local_endpoint().port();
}

}  // namespace opaline::test
