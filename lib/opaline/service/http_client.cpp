#include "opaline/service/http_client.h"

#include <openssl/ssl.h>

#include <algorithm>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <string_view>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/service/resolve.h"
#include "opaline/service/timed_stream.h"

namespace opaline {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
using boost::system::error_code;
using boost::system::system_error;
using Clock = std::chrono::steady_clock;
using TlsStream = ssl::stream<TimedStream>;
using Request = http::request<http::span_body<const std::uint8_t>>;
using Parser = http::response_parser<http::vector_body<std::uint8_t>>;

constexpr std::uint32_t kHeaderLimit = 16 * 1024;
constexpr std::size_t kReadAtOnce = std::size_t{64} << 10;
constexpr int kMostInterimReplies = 8;  // 1xx before the one that counts

TimedStream& socket_of(TimedStream& stream) { return stream; }
TimedStream& socket_of(TlsStream& stream) { return stream.next_layer(); }

bool is_ssl(const error_code& error) { return error.category() == asio::error::get_ssl_category(); }
bool is_http(const error_code& error) {
  return error.category() == http::make_error_code(http::error::end_of_stream).category();
}

// What came of one request on one connection.
struct Exchange {
  error_code error;
  bool begun = false;     // something of a reply came
  bool reusable = false;  // the connection is good for another request
  HttpReply reply;
};

class Connection {
 public:
  Connection() = default;
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  virtual ~Connection() = default;
  virtual Exchange exchange(const Request& request, const HttpCall& call) = 0;
};

HttpReply to_reply(Parser& parser) {
  HttpReply reply;
  auto& message = parser.get();
  reply.status = message.result_int();
  for (const auto& field : message) {
    reply.fields.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  reply.content_type = field_of(reply.fields, "Content-Type");
  reply.body = std::move(message.body());
  return reply;
}

template <typename Stream>
class StreamConnection : public Connection {
 public:
  template <typename... Arguments>
  explicit StreamConnection(Arguments&&... arguments) : stream_(std::forward<Arguments>(arguments)...) {}

  Stream& stream() { return stream_; }

  Exchange exchange(const Request& request, const HttpCall& call) override {
    socket_of(stream_).expire_at(call.deadline);
    Exchange result;
    error_code unsent;
    http::write(stream_, request, unsent);
    if (unsent == asio::error::timed_out) {
      result.error = unsent;
      return result;
    }
    // A server that refuses a body closes before it has read all of it; why it did can still be read.
    boost::beast::flat_buffer buffer(kHeaderLimit + kReadAtOnce);
    for (int replies = 0; replies <= kMostInterimReplies; ++replies) {
      Parser parser;
      parser.header_limit(kHeaderLimit);
      parser.body_limit(call.largest_reply);
      // The header by itself first: read together with the body, a body above the limit passes in Beast 1.74
      // if some of it comes along with the header.
      http::read_header(stream_, buffer, parser, result.error);
      if (!result.error) http::read(stream_, buffer, parser, result.error);
      result.begun = result.begun || parser.got_some();
      if (result.error) {
        if (unsent && !result.begun) result.error = unsent;
        return result;
      }
      if (http::to_status_class(parser.get().result_int()) == http::status_class::informational) continue;
      result.reusable = parser.keep_alive() && !unsent && buffer.size() == 0;
      result.reply = to_reply(parser);
      return result;
    }
    result.error = http::error::bad_status;
    return result;
  }

 private:
  Stream stream_;
};

Clock::time_point earlier(Clock::time_point deadline, std::chrono::milliseconds time) {
  const Clock::time_point now = Clock::now();
  return deadline - now < time ? deadline : now + time;
}

// Values go into the header as they are: nothing may end its line. They are not quoted, since they may be
// secret.
void check_fields(const HttpUrl& url, const HttpCall& call) {
  const auto ends_line = [](char c) {
    return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7f';
  };
  const auto is_clean = [&](const std::string& text) {
    return std::none_of(text.begin(), text.end(), ends_line);
  };
  const bool clean_path = call.path.find(' ') == std::string::npos && is_clean(call.path);
  bool clean = is_clean(call.content_type) && clean_path && (call.path.empty() || call.path.front() == '/');
  for (const auto& [name, value] : call.fields) {
    clean = clean && is_clean(name) && name.find_first_of(" \t:") == std::string::npos && is_clean(value);
  }
  if (!clean) {
    throw Error(ErrorKind::invalid_argument,
                url.text() + ": a path or field has characters that HTTP forbids");
  }
}

Request make_request(const HttpUrl& url, const HttpCall& call) {
  check_fields(url, call);
  const std::string target = url.prefix + call.path;
  Request request;
  request.version(11);
  request.method_string(call.method);
  request.target(target.empty() ? "/" : target);
  request.set(http::field::host, url.authority());
  request.set(http::field::user_agent, "opaline");
  request.set(http::field::accept_encoding, "identity");
  for (const auto& [name, value] : call.fields) request.set(name, value);
  if (!call.content_type.empty()) request.set(http::field::content_type, call.content_type);
  request.body() = {call.body.data(), call.body.size()};
  request.prepare_payload();
  return request;
}

[[noreturn]] void fail(ErrorKind kind, const std::string& where, const std::string& why) {
  throw Error(kind, where + ": " + why);
}

[[noreturn]] void fail_to_connect(const HttpUrl& url, const error_code& error) {
  if (error == asio::error::timed_out) {
    fail(ErrorKind::network, url.text(), "no connection in the time there was");
  }
  const bool unknown = error == asio::error::host_not_found || error == asio::error::no_data;
  fail(ErrorKind::network, url.text(),
       "no connection: " + error.message() +
           (unknown ? "; check the host's name" : "; check that the server runs and listens there"));
}

[[noreturn]] void fail_to_exchange(const HttpUrl& url, const HttpCall& call, const Exchange& result) {
  const std::string where = url.text(call.path);
  const error_code& error = result.error;
  if (error == asio::error::timed_out) {
    fail(ErrorKind::network, where, result.begun ? "the reply was not complete in time" : "no reply in time");
  }
  if (error == http::error::body_limit) {
    fail(ErrorKind::too_large, where,
         "a reply of more than the " + std::to_string(call.largest_reply) + " bytes that it can have");
  }
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    fail(ErrorKind::too_large, where,
         "a reply whose header has more than " + std::to_string(kHeaderLimit) + " bytes");
  }
  const bool closed = error == http::error::end_of_stream || error == http::error::partial_message;
  if (is_http(error) && !closed) {
    fail(ErrorKind::damaged, where, "what came back is not HTTP: " + error.message());
  }
  if (is_ssl(error)) fail(ErrorKind::damaged, where, "the TLS connection is damaged: " + error.message());
  fail(ErrorKind::network, where,
       (result.begun ? "the connection was lost in the middle of a reply" : "the connection was lost") +
           (closed ? std::string() : ": " + error.message()));
}

}  // namespace

class HttpClient::Implementation {
 public:
  Implementation(HttpUrl url, const HttpClientSettings& settings)
      : url_(std::move(url)), connect_time_(settings.connect_time) {
    if (!url_.tls && !url_.is_loopback() && !settings.allow_plain_http) {
      fail(ErrorKind::authentication, url_.text(),
           "plain HTTP to another machine shows tokens to everyone on the way and proves nothing about the "
           "server; use https, or allow plain HTTP (--allow-plain-http) where the network is trusted");
    }
    if (url_.tls) prepare_tls(settings.ca_file);
  }

  const HttpUrl& url() const { return url_; }

  HttpReply call(const HttpCall& call) {
    const Request request = make_request(url_, call);
    while (true) {
      // Put back only when it has proved good for more.
      std::unique_ptr<Connection> connection = std::exchange(connection_, nullptr);
      const bool kept = connection != nullptr;
      if (!kept) connection = connect(call.deadline);
      Exchange result = connection->exchange(request, call);
      if (!result.error) {
        if (result.reusable) connection_ = std::move(connection);
        check_encoding(call, result.reply);
        return std::move(result.reply);
      }
      // A server closes a connection that has been idle for long, maybe just as this request is on its way.
      const bool stale = kept && !result.begun && result.error != asio::error::timed_out;
      if (!stale) fail_to_exchange(url_, call, result);
    }
  }

 private:
  void prepare_tls(const std::filesystem::path& ca_file) {
    ::SSL_CTX_set_min_proto_version(tls_.native_handle(), TLS1_2_VERSION);
    tls_.set_default_verify_paths();
    tls_.set_verify_mode(ssl::verify_peer);
    if (ca_file.empty()) return;
    error_code error;
    tls_.load_verify_file(ca_file.string(), error);
    if (error) {
      fail(ErrorKind::io, ca_file.string(),
           "cannot be read as a file of PEM certificates: " + error.message());
    }
  }

  std::unique_ptr<Connection> connect(Clock::time_point deadline) {
    const Clock::time_point connected = earlier(deadline, connect_time_);
    try {
      TimedStream socket =
          TimedStream::connect(context_, resolve(url_.host, url_.port, connected), connected);
      if (!url_.tls) return std::make_unique<StreamConnection<TimedStream>>(std::move(socket));
      auto connection = std::make_unique<StreamConnection<TlsStream>>(std::move(socket), tls_);
      shake_hands(connection->stream());
      return connection;
    } catch (const system_error& error) {
      fail_to_connect(url_, error.code());
    }
  }

  void shake_hands(TlsStream& stream) const {
    error_code no_address;
    asio::ip::make_address(url_.host, no_address);
    // RFC 6066: names only, no addresses. (OpenSSL's macro for it has a cast of the old style.)
    if (no_address) {
      ::SSL_ctrl(stream.native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                 const_cast<char*>(url_.host.c_str()));
    }
    const auto other_name = std::make_shared<bool>(false);
    stream.set_verify_callback([other_name, names_host = ssl::host_name_verification(url_.host)](
                                   bool trusted, ssl::verify_context& chain) {
      const bool accepted = names_host(trusted, chain);
      *other_name = *other_name || (trusted && !accepted);
      return accepted;
    });
    error_code error;
    stream.handshake(ssl::stream_base::client, error);
    if (!error) return;
    if (*other_name) {
      fail(ErrorKind::authentication, url_.text(),
           "the server's certificate is made out to another name than " + url_.host +
               "; use the name in the certificate");
    }
    const long verdict = ::SSL_get_verify_result(stream.native_handle());
    if (is_ssl(error) && verdict != X509_V_OK) {
      fail(ErrorKind::authentication, url_.text(),
           std::string("the server's certificate is not trusted: ") +
               ::X509_verify_cert_error_string(verdict) +
               "; give the certificate of its authority (--ca-file)");
    }
    if (is_ssl(error)) {
      fail(ErrorKind::authentication, url_.text(),
           "no TLS connection: " + error.message() + "; check that the server speaks TLS 1.2 or later there");
    }
    throw system_error(error);
  }

  void check_encoding(const HttpCall& call, const HttpReply& reply) const {
    const std::string encoding = field_of(reply.fields, "Content-Encoding");
    if (!encoding.empty() && encoding != "identity") {
      fail(ErrorKind::damaged, url_.text(call.path), "the reply is compressed, which was not asked for");
    }
  }

  HttpUrl url_;
  std::chrono::milliseconds connect_time_;
  asio::io_context context_;
  ssl::context tls_{ssl::context::tls_client};
  std::unique_ptr<Connection> connection_;
};

HttpClient::HttpClient(HttpUrl url, const HttpClientSettings& settings)
    : implementation_(std::make_unique<Implementation>(std::move(url), settings)) {}
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;
HttpClient::~HttpClient() = default;

const HttpUrl& HttpClient::url() const { return implementation_->url(); }
HttpReply HttpClient::call(const HttpCall& call) { return implementation_->call(call); }

}  // namespace opaline
