#include "opaline/service/http_server.h"

#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cerrno>
#include <ctime>
#include <exception>
#include <limits>
#include <mutex>
#include <new>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/service/connections.h"
#include "opaline/service/timed_stream.h"

namespace opaline {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using TlsStream = asio::ssl::stream<TimedStream>;

constexpr unsigned kClientGone = 499;  // nginx's; never sent
constexpr std::size_t kReadStep = 64 * 1024;
constexpr std::chrono::seconds kFarewell{1};        // for a client that still sends to read its error
constexpr std::chrono::milliseconds kRefusal{100};  // for one that found no place
constexpr std::chrono::milliseconds kBreath{20};    // where accepting fails

// A reply that ends its request before the application has seen it, or instead of it.
struct Refusal {
  unsigned status;
  std::string why;
};

std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  std::array<char, 64> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts);
  return {text.data(), size};
}

// Memory for the bodies of all requests together.
class BodyBudget {
 public:
  explicit BodyBudget(std::uint64_t bytes) : left_(bytes) {}

  bool take(std::uint64_t bytes) {
    std::uint64_t left = left_.load();
    while (left >= bytes) {
      if (left_.compare_exchange_weak(left, left - bytes)) return true;
    }
    return false;
  }
  void give_back(std::uint64_t bytes) { left_ += bytes; }

 private:
  std::atomic<std::uint64_t> left_;
};

// The share of one body.
class BodyShare {
 public:
  explicit BodyShare(BodyBudget& budget) : budget_(budget) {}
  BodyShare(const BodyShare&) = delete;
  BodyShare& operator=(const BodyShare&) = delete;
  ~BodyShare() { budget_.give_back(taken_); }

  bool grow_to(std::uint64_t bytes) {
    if (bytes <= taken_) return true;
    if (!budget_.take(bytes - taken_)) return false;
    taken_ = bytes;
    return true;
  }

 private:
  BodyBudget& budget_;
  std::uint64_t taken_ = 0;
};

class SocketPeer : public HttpPeer {
 public:
  /// `may_probe`: whether the other side understands an interim reply.
  SocketPeer(int socket, bool may_probe) : socket_(socket), may_probe_(may_probe) {}

  bool gone() override {
    pollfd one{socket_, POLLRDHUP, 0};
    if (::poll(&one, 1, 0) <= 0) return false;
    if (!may_probe_ || (one.revents & ~POLLRDHUP) != 0) return true;
    if (probed_) return false;
    constexpr std::string_view probe = "HTTP/1.1 100 Continue\r\n\r\n";
    probed_ = true;
    return ::send(socket_, probe.data(), probe.size(), MSG_NOSIGNAL | MSG_DONTWAIT) < 0;
  }

 private:
  int socket_;
  bool may_probe_;
  bool probed_ = false;
};

TimedStream& socket_of(TimedStream& stream) { return stream; }
TimedStream& socket_of(TlsStream& stream) { return stream.next_layer(); }

// What a failure to read means to the other side; nothing if nobody is there to be told.
std::optional<Refusal> refusal_of(const error_code& error) {
  if (error == http::error::end_of_stream || error == asio::error::eof ||
      error == asio::error::connection_reset || error == asio::error::broken_pipe ||
      error == asio::ssl::error::stream_truncated) {
    return std::nullopt;
  }
  if (error == asio::error::timed_out) return Refusal{408, "the request came too slowly"};
  if (error == http::error::header_limit) return Refusal{431, "the request's head is too large"};
  if (error == http::error::body_limit) return Refusal{413, "the body is larger than this server reads"};
  if (error == http::error::partial_message) return Refusal{400, "the request ended before its end"};
  return Refusal{400, "not an HTTP request: " + error.message()};
}

// What can be refused by the head alone, whatever the application.
std::optional<Refusal> check(const http::request_parser<http::buffer_body>& parser) {
  const auto& head = parser.get();
  if (head.version() != 10 && head.version() != 11) return Refusal{505, "HTTP/1.1 is spoken here"};
  if (head.version() == 11 && head.count(http::field::host) != 1) {
    return Refusal{400, "there is not one Host field"};
  }
  if (head.count(http::field::transfer_encoding) > 0 &&
      !boost::beast::iequals(head[http::field::transfer_encoding], "chunked")) {
    return Refusal{501, "no transfer encoding is known here but chunked"};
  }
  return std::nullopt;
}

HttpRequest request_of(const http::request_parser<http::buffer_body>& parser, const std::string& remote) {
  const auto& head = parser.get();
  HttpRequest request{std::string(head.method_string()), std::string(head.target()), {}, remote};
  for (const auto& field : head) {
    request.fields.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  return request;
}

bool is_head(const HttpRequest& request) { return request.method == "HEAD"; }

// What all connections of a server share.
struct Shop {
  HttpLimits limits;
  HttpApplication& application;
  BodyBudget budget;
};

// One connection, request after request.
template <typename Stream>
class Session {
 public:
  Session(Shop& shop, Connections::Place& place, Stream& stream, std::string remote)
      : shop_(shop),
        place_(place),
        stream_(stream),
        remote_(std::move(remote)),
        buffer_(shop.limits.header_bytes + kReadStep) {}

  void run() {
    for (std::size_t i = 0; i < shop_.limits.requests_a_connection; ++i) {
      last_ = i + 1 == shop_.limits.requests_a_connection;
      if (!place_.rest() || !wait_for_request() || !one_request()) return;
    }
  }

 private:
  TimedStream& socket() { return socket_of(stream_); }

  // Whether there is a first byte.
  bool wait_for_request() {
    if (buffer_.size() > 0) return true;
    socket().expire_at(Clock::now() + shop_.limits.idle_time);
    error_code error;
    buffer_.commit(stream_.read_some(buffer_.prepare(kReadStep / 16), error));
    return !error && buffer_.size() > 0;
  }

  // Reads and answers one; whether another may follow.
  bool one_request() {
    const Clock::time_point begun = Clock::now();
    const std::uint64_t received = socket().received() - buffer_.size();
    const std::uint64_t sent = socket().sent();
    HttpExchange exchange;
    const bool more = answer_one(exchange, begun);
    exchange.bytes_in = socket().received() - buffer_.size() - received;
    exchange.bytes_out = socket().sent() - sent;
    exchange.seconds = std::chrono::duration<double>(Clock::now() - begun).count();
    if (exchange.status != 0) shop_.application.on_done(exchange);
    return more;
  }

  bool answer_one(HttpExchange& exchange, Clock::time_point begun) {
    http::request_parser<http::buffer_body> parser;
    parser.header_limit(shop_.limits.header_bytes);
    parser.body_limit(shop_.limits.body_bytes);
    socket().expire_at(begun + shop_.limits.header_time);
    error_code error;
    http::read_header(stream_, buffer_, parser, error);
    if (error) return refuse(exchange, refusal_of(error), error);
    place_.work();
    exchange.request = request_of(parser, remote_);
    if (const auto refusal = check(parser)) return refuse(exchange, refusal, error);
    keep_alive_ = parser.keep_alive();
    may_probe_ = std::is_same_v<Stream, TimedStream> && parser.get().version() == 11;

    std::optional<HttpReply> reply = at_head(exchange);
    const bool has_body = !parser.is_done();
    if (reply) return send(exchange, std::move(*reply), has_body ? After::farewell : After::next);
    if (!has_body && !parser.content_length()) {
      return refuse(exchange, Refusal{411, "a body with its length is needed"}, error);
    }

    std::optional<BodyShare> share(std::in_place, shop_.budget);
    Bytes body;
    const std::optional<Refusal> refusal = read_body(parser, body, *share, error);
    if (refusal || error) {
      // A farewell takes time, and others may want the room.
      body = Bytes();
      share.reset();
      return refuse(exchange, refusal, error);
    }
    HttpReply reply_to_body = at_body(exchange, std::move(body));
    share.reset();  // whoever has the reply may ask again
    return send(exchange, std::move(reply_to_body), After::next);
  }

  std::optional<HttpReply> at_head(HttpExchange& exchange) {
    try {
      return shop_.application.on_head(exchange.request);
    } catch (const std::exception& failure) {
      exchange.problem = failure.what();
      return error_reply(500, "internal error");
    }
  }

  HttpReply at_body(HttpExchange& exchange, Bytes body) {
    try {
      SocketPeer peer(socket().lowest_layer().native_handle(), may_probe_);
      return shop_.application.on_body(exchange.request, std::move(body), peer);
    } catch (const std::bad_alloc&) {
      exchange.problem = "out of memory";
      return error_reply(503, "out of memory");
    } catch (const std::exception& failure) {
      exchange.problem = failure.what();
      return error_reply(500, "internal error");
    }
  }

  // Nothing if all went well, or with an error if there is nobody to be told.
  std::optional<Refusal> read_body(http::request_parser<http::buffer_body>& parser, Bytes& body,
                                   BodyShare& share, error_code& error) {
    if (boost::beast::iequals(parser.get()[http::field::expect], "100-continue")) {
      http::response<http::empty_body> go_on(http::status::continue_, 11);
      http::write(stream_, go_on, error);
      if (error) return std::nullopt;
    }
    const Clock::time_point begun = Clock::now();
    const std::uint64_t announced = parser.content_length().value_or(shop_.limits.body_bytes);
    std::uint64_t size = 0;
    while (!parser.is_done()) {
      if (size == body.size()) {
        // Memory follows what has come, not what was announced.
        const std::uint64_t next =
            std::min<std::uint64_t>(std::max<std::uint64_t>(2 * size, kReadStep), announced + 1);
        if (!share.grow_to(next)) return Refusal{503, "too much is being read from others; try again"};
        body.resize(next);
      }
      parser.get().body() = {body.data() + size, body.size() - size, true};
      socket().expire_at(begun + shop_.limits.grace_time + time_for(size));
      http::read_some(stream_, buffer_, parser, error);
      size = body.size() - parser.get().body().size;
      if (error == http::error::need_buffer) error = {};
      if (error) return refusal_of(error);
    }
    body.resize(size);
    return std::nullopt;
  }

  std::chrono::milliseconds time_for(std::uint64_t bytes) const {
    return std::chrono::milliseconds(1000 * bytes / std::max<std::uint64_t>(1, shop_.limits.lowest_rate));
  }

  bool refuse(HttpExchange& exchange, const std::optional<Refusal>& refusal, const error_code& error) {
    if (!refusal) {
      // Before there is a request, closing a connection is nothing to be told of.
      if (!exchange.request.method.empty()) exchange.status = kClientGone;
      exchange.problem = error.message();
      return false;
    }
    exchange.problem = refusal->why;
    HttpReply reply = error_reply(refusal->status, refusal->why);
    if (refusal->status == 503) reply.fields.emplace_back("Retry-After", "1");
    return send(exchange, std::move(reply), After::farewell);
  }

  enum class After {
    next,     ///< the request has been read to its end
    farewell  ///< it has not; the rest of it is not wanted
  };

  bool send(HttpExchange& exchange, HttpReply reply, After after) {
    const bool keep = after == After::next && keep_alive_ && !last_ && !place_.stopping();
    exchange.status = reply.status;
    exchange.notes = std::move(reply.notes);
    http::response<http::span_body<const std::uint8_t>> message;
    message.version(11);
    message.result(reply.status);
    message.set(http::field::date, http_date());
    if (!reply.body.empty()) message.set(http::field::content_type, reply.content_type);
    for (const auto& [name, value] : reply.fields) message.set(name, value);
    message.content_length(reply.body.size());
    message.keep_alive(keep);
    if (!is_head(exchange.request)) message.body() = {reply.body.data(), reply.body.size()};
    socket().expire_at(Clock::now() + shop_.limits.grace_time + time_for(reply.body.size()));
    error_code error;
    http::response_serializer<http::span_body<const std::uint8_t>> serializer(message);
    if (is_head(exchange.request)) {
      http::write_header(stream_, serializer, error);
    } else {
      http::write(stream_, serializer, error);
    }
    if (error) {
      exchange.problem = "the reply could not be sent: " + error.message();
      exchange.status = kClientGone;
      return false;
    }
    if (after == After::farewell) say_farewell();
    return keep;
  }

  // A connection that is closed with unread bytes is reset, which can take the reply from the client.
  void say_farewell() {
    error_code error;
    socket().lowest_layer().shutdown(tcp::socket::shutdown_send, error);
    socket().expire_at(Clock::now() + kFarewell);
    std::array<char, 4096> rest{};
    while (!error) socket().read_some(asio::buffer(rest), error);
  }

  Shop& shop_;
  Connections::Place& place_;
  Stream& stream_;
  std::string remote_;
  boost::beast::flat_buffer buffer_;
  bool keep_alive_ = false;
  bool may_probe_ = false;
  bool last_ = false;
};

std::string reason(const error_code& error) { return error.message(); }

}  // namespace

class HttpServer::State {
 public:
  State(const std::string& address, std::uint16_t port, const HttpLimits& limits, TlsSource tls,
        HttpApplication& application)
      : shop_{limits, application, BodyBudget(limits.bodies_bytes)},
        tls_(std::move(tls)),
        acceptor_(context_),
        connections_(limits.connections) {
    const auto fail = [&](const error_code& error) {
      throw Error(ErrorKind::io, address + ":" + std::to_string(port) + ": cannot listen: " + reason(error));
    };
    error_code error;
    const auto host = asio::ip::make_address(address, error);
    if (error) fail(error);
    acceptor_.open(tcp::endpoint(host, port).protocol(), error);
    if (error) fail(error);
    acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    acceptor_.bind(tcp::endpoint(host, port), error);
    if (error) fail(error);
    acceptor_.listen(asio::socket_base::max_listen_connections, error);
    if (error) fail(error);
    acceptor_.non_blocking(true, error);
    port_ = acceptor_.local_endpoint().port();
    wake_ = ::eventfd(0, EFD_CLOEXEC);
    if (wake_ < 0) fail(error_code(errno, boost::system::system_category()));
  }
  State(const State&) = delete;
  State& operator=(const State&) = delete;

  ~State() {
    stop(std::chrono::milliseconds(0));
    ::close(wake_);
  }

  /// Apart from the making, since requests may ask the server that this belongs to.
  void start() {
    accepting_ = std::thread([this] { accept(); });
  }

  std::uint16_t port() const { return port_; }
  std::size_t connections() const { return connections_.count(); }

  void stop(std::chrono::milliseconds patience) {
    const std::lock_guard lock(stopping_);
    if (accepting_.joinable()) {
      constexpr std::uint64_t one = 1;
      [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof(one));
      accepting_.join();
      error_code ignored;
      acceptor_.close(ignored);
    }
    connections_.stop(patience);
  }

 private:
  void accept() {
    while (true) {
      std::array<pollfd, 2> events{{{acceptor_.native_handle(), POLLIN, 0}, {wake_, POLLIN, 0}}};
      if (::poll(events.data(), events.size(), -1) < 0 && errno != EINTR) return;
      if (events[1].revents != 0) return;
      if (events[0].revents == 0) continue;
      error_code error;
      tcp::socket socket(context_);
      acceptor_.accept(socket, error);
      if (error == asio::error::would_block || error == asio::error::connection_aborted) continue;
      if (error) {
        // Out of descriptors, most likely: those who are here may leave.
        std::this_thread::sleep_for(kBreath);
        continue;
      }
      take(std::move(socket));
    }
  }

  void take(tcp::socket socket) {
    error_code error;
    const std::string remote = socket.remote_endpoint(error).address().to_string();
    if (error) return;
    const int handle = socket.native_handle();
    const auto shared = std::make_shared<TimedStream>(std::move(socket));
    const bool taken = connections_.start(handle, [this, shared, remote](Connections::Place& place) {
      try {
        serve(*shared, place, remote);
      } catch (const std::exception& failure) {
        tell_problem(remote, failure.what());
      }
      place.leave();
      error_code ignored;
      shared->lowest_layer().close(ignored);
    });
    if (!taken) turn_away(*shared, remote);
  }

  void serve(TimedStream& stream, Connections::Place& place, const std::string& remote) {
    const std::shared_ptr<asio::ssl::context> tls = tls_ ? tls_() : nullptr;
    if (!tls) return Session<TimedStream>(shop_, place, stream, remote).run();
    TlsStream secured(std::move(stream), *tls);
    // The socket must outlive this: until its place is left it may be shut down from outside.
    const std::unique_ptr<TlsStream, std::function<void(TlsStream*)>> give_back(
        &secured, [&](TlsStream* one) { stream = std::move(one->next_layer()); });
    secured.next_layer().expire_at(Clock::now() + shop_.limits.header_time);
    error_code error;
    secured.handshake(asio::ssl::stream_base::server, error);
    if (error) {
      if (refusal_of(error)) tell_problem(remote, "TLS: " + error.message());
      return;
    }
    Session<TlsStream>(shop_, place, secured, remote).run();
    secured.next_layer().expire_at(Clock::now() + kRefusal);
    secured.shutdown(error);
  }

  // No place: said in plain HTTP only, since a handshake would take time that there is none of.
  void turn_away(TimedStream& stream, const std::string& remote) {
    HttpExchange exchange;
    exchange.request.remote = remote;
    exchange.status = 503;
    exchange.problem = "all connections are taken";
    if (!tls_ || !tls_()) {
      const HttpReply reply = error_reply(503, "all connections are taken; try again");
      http::response<http::string_body> message(http::status::service_unavailable, 11);
      message.set(http::field::date, http_date());
      message.set(http::field::content_type, reply.content_type);
      message.set(http::field::retry_after, "1");
      message.keep_alive(false);
      message.body().assign(reply.body.begin(), reply.body.end());
      message.prepare_payload();
      stream.expire_at(Clock::now() + kRefusal);
      error_code ignored;
      http::write(stream, message, ignored);
    }
    shop_.application.on_done(exchange);
  }

  void tell_problem(const std::string& remote, const std::string& problem) {
    HttpExchange exchange;
    exchange.request.remote = remote;
    exchange.problem = problem;
    shop_.application.on_done(exchange);
  }

  Shop shop_;
  TlsSource tls_;
  asio::io_context context_;
  tcp::acceptor acceptor_;
  std::uint16_t port_ = 0;
  int wake_ = -1;
  Connections connections_;
  std::mutex stopping_;
  std::thread accepting_;
};

HttpServer::HttpServer(const std::string& address, std::uint16_t port, const HttpLimits& limits,
                       TlsSource tls, HttpApplication& application)
    : state_(std::make_unique<State>(address, port, limits, std::move(tls), application)) {
  state_->start();
}
HttpServer::~HttpServer() = default;

std::uint16_t HttpServer::port() const { return state_->port(); }
std::size_t HttpServer::connections() const { return state_->connections(); }
void HttpServer::stop(std::chrono::milliseconds patience) { state_->stop(patience); }

std::shared_ptr<asio::ssl::context> tls_context(const std::string& certificate_file,
                                                const std::string& key_file) {
  struct stat key {};
  if (::stat(key_file.c_str(), &key) == 0 && (key.st_mode & S_IRWXO) != 0) {
    throw Error(ErrorKind::io, key_file + ": everybody can read this secret key; chmod o= it");
  }
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  ::SSL_CTX_set_min_proto_version(context->native_handle(), TLS1_2_VERSION);
  ::SSL_CTX_set_options(context->native_handle(), SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE);
  const auto load = [&](const std::string& file, const char* what, const auto& action) {
    error_code error;
    action(error);
    if (error) throw Error(ErrorKind::damaged, file + ": not " + what + ": " + reason(error));
  };
  load(certificate_file, "a certificate chain in PEM",
       [&](error_code& error) { context->use_certificate_chain_file(certificate_file, error); });
  load(key_file, "the certificate's key in PEM",
       [&](error_code& error) { context->use_private_key_file(key_file, asio::ssl::context::pem, error); });
  return context;
}

}  // namespace opaline
