#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <string_view>
#include <thread>

#include "fuzz/fixed_key.h"
#include "fuzz/memory_file.h"
#include "fuzz/sample_messages.h"
#include "fuzz/sample_models.h"
#include "fuzz/targets/targets.h"
#include "opaline/service/inference_service.h"
#include "opaline/service/open_inference.h"

// What a connection brings to the whole service, from its first byte to its last, over the loopback.
namespace opaline::fuzz {
namespace {

constexpr std::string_view kEndOfHead = "\r\n\r\n";

class Service {
 public:
  Service()
      : file_(sample_model().serialise()),
        log_([](std::string_view) {}),
        service_(settings(), default_backend(), log_) {}

  std::uint16_t port() const {
    const std::string url = service_.url();
    return static_cast<std::uint16_t>(std::stoi(url.substr(url.rfind(':') + 1)));
  }

 private:
  ServiceSettings settings() const {
    ServiceSettings settings;
    settings.models = {{"digits", file_.path()}};
    settings.version = "0";
    settings.http.body_bytes = std::uint64_t{1} << 20;
    settings.http.requests_a_connection = 20;
    return settings;
  }

  MemoryFile file_;
  EventLog log_;
  InferenceService service_;
};

std::uint16_t port_of_service() {
  static const Service service;
  return service.port();
}

// The socket of a client that sends everything, and gives what comes back.
class Connection {
 public:
  explicit Connection(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval patience{20, 0};
    // Reset at its end, so that thousands a second do not use up the ports.
    const linger reset{1, 0};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ::setsockopt(socket_, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    // A busy machine may have no port left for a moment.
    int tries = 100;
    while (::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) != 0) {
      require(--tries > 0, std::string("a service can be connected to: ") + std::strerror(errno));
      std::this_thread::sleep_for(std::chrono::milliseconds(100));
    }
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { ::close(socket_); }

  std::string ask(ByteView bytes) {
    while (!bytes.empty()) {
      const ssize_t count = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (count <= 0) break;
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
    ::shutdown(socket_, SHUT_WR);
    std::string reply;
    std::array<char, 16384> some{};
    ssize_t count = 0;
    while ((count = ::recv(socket_, some.data(), some.size(), 0)) > 0) {
      reply.append(some.data(), static_cast<std::size_t>(count));
    }
    require(count == 0 || errno != EAGAIN, "a connection ends in time");
    return reply;
  }

 private:
  int socket_;
};

std::string post(const InferBody& body) {
  std::string text = "POST /v2/models/digits/infer HTTP/1.1\r\nHost: x\r\n";
  const auto add = [&](const std::string& name, const std::string& value) {
    text.append(name).append(": ").append(value).append("\r\n");
  };
  add("Content-Type", body.content_type);
  add("Content-Length", std::to_string(body.body.size()));
  for (const auto& [name, value] : body.fields) add(name, value);
  return text.append("\r\n").append(text_of(body.body));
}

std::vector<Bytes> seeds() {
  const Bytes query = sample_query(sample_layouts().back(), 1);
  std::vector<Bytes> inputs = {
      bytes_of("GET /v2 HTTP/1.1\r\nHost: x\r\n\r\n"),
      bytes_of(
          "HEAD /v2/models/digits/spec HTTP/1.1\r\nHost: x\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"),
      bytes_of("GET /v2/health/ready HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"),
      bytes_of("POST /v2/models/digits/infer HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
               "3\r\n{\"i\r\n8;x=y\r\nd\":\"x\"} \r\n0\r\nT: x\r\n\r\n"),
      bytes_of(
          "POST /v2/models/digits/infer HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n"
          "Connection: close\r\n\r\n{}"),
      bytes_of("DELETE /v2/models/digits HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer x\r\n\r\n")};
  for (const TensorForm form : {TensorForm::json, TensorForm::binary}) {
    inputs.push_back(bytes_of(post(infer_body(query, form))));
  }
  return inputs;
}

void run(ByteView input) {
  const std::string reply = Connection(port_of_service()).ask(input);
  require(reply.empty() || reply.starts_with("HTTP/1.1 "), "what comes back is HTTP");
  require(reply.find("HTTP/1.1 500 Internal Server Error\r\n") == std::string::npos,
          "nothing a stranger sends is an internal error");
}

// A body of the first request is changed and its length made right, or the rest is.
Bytes mutate(Bytes input, std::size_t limit, Mutator& mutator) {
  constexpr std::string_view kLength = "Content-Length: ";
  std::string text = text_of(input);
  const std::size_t head = text.find(kEndOfHead);
  const std::size_t length = text.find(kLength);
  const bool has_body = head != std::string::npos && length < head;
  if (!has_body || mutator.one_in(3)) {
    mutator.change(input, limit);
    return input;
  }
  const std::size_t start = head + kEndOfHead.size();
  Bytes body(text.begin() + static_cast<std::ptrdiff_t>(start), text.end());
  mutator.change(body, limit);
  const std::size_t digits = length + kLength.size();
  const std::size_t end = text.find('\r', digits);
  return bytes_of(text.substr(0, digits) + std::to_string(body.size()) + text.substr(end, start - end) +
                  text_of(body));
}

}  // namespace

FuzzTarget http_target() { return {"http", seeds, run, mutate, 60}; }

}  // namespace opaline::fuzz
