// The HTTP server, by sockets that say what no client should.
#include "opaline/service/http_server.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "service/raw_client.h"
#include "support/error_kind.h"

using namespace opaline;
using namespace opaline::test;
using namespace std::chrono_literals;

namespace {

// Replies with what it is sent; /at-once without looking at a body; /wait when the client has gone or it is
// told to go on; /fail not at all.
class Echo : public HttpApplication {
 public:
  std::optional<HttpReply> on_head(const HttpRequest& request) override {
    if (request.target == "/at-once") return json_reply("{}");
    if (request.method == "GET" || request.method == "HEAD") return json_reply("\"" + request.target + "\"");
    return std::nullopt;
  }

  HttpReply on_body(const HttpRequest& request, Bytes body, HttpPeer& peer) override {
    if (request.target == "/fail") throw std::runtime_error("a secret reason");
    if (request.target == "/wait") {
      ++waiting;
      bool left = false;
      while (!(left = peer.gone()) && !go_on) std::this_thread::sleep_for(1ms);
      if (left) ++gone;
    }
    HttpReply reply;
    reply.content_type = "application/octet-stream";
    reply.body = std::move(body);
    return reply;
  }

  void on_done(const HttpExchange& exchange) override {
    const std::lock_guard lock(mutex_);
    exchanges_.push_back(exchange);
  }

  std::vector<HttpExchange> exchanges() const {
    const std::lock_guard lock(mutex_);
    return exchanges_;
  }

  std::atomic<int> waiting = 0;
  std::atomic<int> gone = 0;
  std::atomic<bool> go_on = false;

 private:
  mutable std::mutex mutex_;
  std::vector<HttpExchange> exchanges_;
};

HttpLimits small_limits() {
  HttpLimits limits;
  limits.connections = 8;
  limits.header_bytes = 2048;
  limits.body_bytes = 1 << 20;
  limits.bodies_bytes = 4 << 20;
  limits.lowest_rate = 1 << 20;
  return limits;
}

struct Fixture {
  explicit Fixture(const HttpLimits& limits = small_limits())
      : server("127.0.0.1", 0, limits, nullptr, echo) {}

  RawClient::Reply ask(const std::string& bytes) {
    RawClient client(server.port());
    client.send(bytes);
    return client.receive();
  }

  Echo echo;
  HttpServer server;
};

template <typename Condition>
bool soon(const Condition& condition) {
  for (int i = 0; i < 10000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(1ms);
  }
  return false;
}

void check_error(const RawClient::Reply& reply, unsigned status) {
  CHECK(reply.status == status);
  CHECK(reply.field("Content-Type") == "application/json");
  CHECK(nlohmann::json::parse(reply.body).at("error").is_string());
}

}  // namespace

TEST_CASE("Requests of a connection are answered one after the other", "[http]") {
  Fixture f;
  RawClient client(f.server.port());
  client.send(request("POST", "/a", "first") + request("GET", "/b") + request("POST", "/c", "third"));
  CHECK(client.receive().body == "first");
  CHECK(client.receive().body == "\"/b\"");
  CHECK(client.receive().body == "third");
  client.send(request("HEAD", "/d"));
  const auto head = client.receive(20s, true);
  CHECK(head.status == 200);
  CHECK(head.field("Content-Length") == "4");
  client.send(request("GET", "/e"));
  CHECK(client.receive().body == "\"/e\"");
  client.send(request("POST", "/f", "last", "Connection: close\r\n"));
  CHECK(client.receive().field("Connection") == "close");
  CHECK(client.closed_within(5s));
}

TEST_CASE("Bodies come in chunks, in small pieces, or after a 100", "[http]") {
  Fixture f;
  RawClient client(f.server.port());
  client.send(request("POST", "/", "", "Transfer-Encoding: chunked\r\n") +
              "5\r\nhello\r\n1;x=y\r\n!\r\n0\r\n\r\n");
  CHECK(client.receive().body == "hello!");
  for (const char c : request("POST", "/", "piece by piece")) client.send(std::string(1, c));
  CHECK(client.receive().body == "piece by piece");
  client.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
  CHECK(client.receive(20s, true).status == 100);
  client.send("ok");
  CHECK(client.receive().body == "ok");
  client.send(request("POST", "/", "", "Content-Length: 0\r\n"));
  CHECK(client.receive().status == 200);
  const std::string large(1 << 20, 'x');
  client.send(request("POST", "/", large));
  CHECK(client.receive().body == large);
}

TEST_CASE("What is no HTTP is refused by an error in JSON", "[http]") {
  Fixture f;
  check_error(f.ask("hello\r\n\r\n"), 400);
  check_error(f.ask("GET / HTTP/1.1\r\n\r\n"), 400);  // no Host
  check_error(f.ask("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
  check_error(f.ask("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n"), 400);
  check_error(f.ask("GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\nx\x01y: c\r\n\r\n"), 400);
  check_error(f.ask("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 400);
  check_error(f.ask("GET / HTTP/1.1\nHost: a\n\n\r\n\r\n"), 400);
  check_error(f.ask(std::string("\x16\x03\x01\x02\x00\x01\x00\x01", 8) + "\r\n\r\n"), 400);  // TLS
  check_error(f.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n"), 400);
  check_error(f.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n"), 400);
  check_error(f.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd"), 400);
  check_error(f.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"
                    "0\r\n\r\n"),
              400);
  check_error(f.ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), 501);
  check_error(f.ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), 400);
  check_error(f.ask("POST / HTTP/1.1\r\nHost: a\r\n\r\n"), 411);
}

TEST_CASE("Every prefix of a request is waited for, and then refused", "[http]") {
  Fixture f;
  const std::string whole = request("POST", "/p", "body");
  for (std::size_t length = 1; length < whole.size(); ++length) {
    CAPTURE(length);
    RawClient client(f.server.port());
    client.send(whole.substr(0, length));
    client.finish_sending();
    const auto reply = client.receive();
    CHECK((reply.status == 400 || reply.status == 0));
    CHECK(client.closed_within(5s));
  }
  CHECK(f.ask(whole).body == "body");
}

TEST_CASE("What is too large is refused before it is read", "[http]") {
  Fixture f;
  check_error(f.ask(request("GET", "/" + std::string(4000, 'a'))), 431);
  std::string many;
  for (int i = 0; i < 500; ++i) many += "a: b\r\n";
  check_error(f.ask(request("GET", "/", "", many)), 431);
  check_error(f.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n"), 413);
  check_error(f.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 18446744073709551615\r\n\r\n"), 413);
  check_error(f.ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999999\r\n\r\n"), 400);
  RawClient client(f.server.port());
  client.send("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = "10000\r\n" + std::string(65536, 'x') + "\r\n";
  for (int i = 0; i < 17; ++i) client.send(chunk);
  check_error(client.receive(), 413);
  check_error(f.ask("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"),
              413);
}

TEST_CASE("All bodies together have their bound", "[http]") {
  HttpLimits limits = small_limits();
  limits.bodies_bytes = 3 << 19;
  Fixture f(limits);
  const std::string half(1 << 20, 'x');
  RawClient first(f.server.port());
  first.send(request("POST", "/wait", half));
  REQUIRE(soon([&] { return f.echo.waiting == 1; }));
  const auto refused = f.ask(request("POST", "/", half));
  check_error(refused, 503);
  CHECK(refused.field("Retry-After") == "1");
  CHECK(f.ask(request("POST", "/", "small")).body == "small");
  f.echo.go_on = true;
  CHECK(first.receive().body == half);
  CHECK(f.ask(request("POST", "/", half)).body == half);
}

TEST_CASE("Slow heads and bodies are given up", "[http]") {
  HttpLimits limits = small_limits();
  limits.header_time = 300ms;
  limits.grace_time = 300ms;
  Fixture f(limits);
  RawClient head(f.server.port());
  head.send("GET / HT");
  check_error(head.receive(), 408);
  RawClient body(f.server.port());
  body.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nx");
  check_error(body.receive(), 408);

  // One byte at a time, never silent for long: the whole has its time. Bytes come until there is a reply, so
  // whoever waits for the next one waits too long.
  RawClient trickle(f.server.port());
  std::atomic<bool> replied = false;
  std::thread sender([&] {
    while (!replied) {
      trickle.send("X");
      std::this_thread::sleep_for(20ms);
    }
  });
  const auto reply = trickle.receive(5s);
  replied = true;
  sender.join();
  check_error(reply, 408);
}

TEST_CASE("An idle connection ends in time, and nothing is said", "[http]") {
  HttpLimits limits = small_limits();
  limits.idle_time = 100ms;
  Fixture f(limits);
  RawClient client(f.server.port());
  CHECK(client.closed_within(10s));
  CHECK(f.echo.exchanges().empty());
  CHECK(soon([&] { return f.server.connections() == 0; }));
}

TEST_CASE("Idle connections make room for new ones", "[http]") {
  Fixture f;
  std::vector<std::unique_ptr<RawClient>> idle;
  for (int i = 0; i < 40; ++i) idle.push_back(std::make_unique<RawClient>(f.server.port()));
  CHECK(f.ask(request("GET", "/x")).status == 200);
  CHECK(f.server.connections() <= small_limits().connections);
  CHECK(idle.front()->closed_within(5s));
}

TEST_CASE("Where all connections are at work, more are turned away", "[http]") {
  Fixture f;
  std::vector<std::unique_ptr<RawClient>> busy;
  for (std::size_t i = 0; i < small_limits().connections; ++i) {
    busy.push_back(std::make_unique<RawClient>(f.server.port()));
    busy.back()->send(request("POST", "/wait", "w"));
  }
  REQUIRE(soon([&] { return f.echo.waiting == static_cast<int>(small_limits().connections); }));
  RawClient late(f.server.port());
  const auto refused = late.receive();
  check_error(refused, 503);
  CHECK(refused.field("Retry-After") == "1");
  f.echo.go_on = true;
  for (const auto& client : busy) CHECK(client->receive().body == "w");
}

TEST_CASE("A client that goes away is noticed", "[http]") {
  Fixture f;
  {
    RawClient client(f.server.port());
    client.send(request("POST", "/wait", "w"));
    REQUIRE(soon([&] { return f.echo.waiting == 1; }));
  }
  CHECK(soon([&] { return f.echo.gone == 1; }));
  CHECK(soon([&] { return f.server.connections() == 0; }));
}

TEST_CASE("A client that only closes its half is answered", "[http]") {
  Fixture f;
  RawClient client(f.server.port());
  client.send(request("POST", "/wait", "w"));
  client.finish_sending();
  REQUIRE(soon([&] { return f.echo.waiting == 1; }));
  CHECK(client.receive(20s, true).status == 100);
  f.echo.go_on = true;
  CHECK(client.receive().body == "w");
  CHECK(f.echo.gone == 0);
}

TEST_CASE("A reply before the body ends the connection, and arrives", "[http]") {
  Fixture f;
  RawClient client(f.server.port());
  client.send(request("POST", "/at-once", std::string(1 << 19, 'x')));
  const auto reply = client.receive();
  CHECK(reply.status == 200);
  CHECK(reply.field("Connection") == "close");
  CHECK(client.closed_within(5s));
}

TEST_CASE("A failure tells strangers nothing and the owner what", "[http]") {
  Fixture f;
  const auto reply = f.ask(request("POST", "/fail", "x"));
  check_error(reply, 500);
  CHECK(reply.body.find("secret") == std::string::npos);
  REQUIRE(soon([&] { return !f.echo.exchanges().empty(); }));
  CHECK(f.echo.exchanges().back().problem == "a secret reason");
}

TEST_CASE("Exchanges are counted to the byte", "[http]") {
  Fixture f;
  RawClient client(f.server.port());
  const std::string sent = request("POST", "/count", "12345");
  client.send(sent + request("GET", "/second"));
  CHECK(client.receive().status == 200);
  CHECK(client.receive().status == 200);
  REQUIRE(soon([&] { return f.echo.exchanges().size() == 2; }));
  const auto exchanges = f.echo.exchanges();
  CHECK(exchanges[0].bytes_in == sent.size());
  CHECK(exchanges[1].bytes_in == request("GET", "/second").size());
  CHECK(exchanges[0].status == 200);
  CHECK(exchanges[0].request.target == "/count");
  CHECK(exchanges[0].request.remote == "127.0.0.1");
}

TEST_CASE("Stopping lets requests finish and takes no more", "[http]") {
  Fixture f;
  RawClient idle(f.server.port());
  RawClient busy(f.server.port());
  busy.send(request("POST", "/wait", "late"));
  REQUIRE(soon([&] { return f.echo.waiting == 1; }));
  std::thread stopper([&] { f.server.stop(20s); });
  CHECK(idle.closed_within(10s));
  CHECK(soon([&] {
    try {
      return RawClient(f.server.port()).closed_within(1s);
    } catch (const std::runtime_error&) {
      return true;
    }
  }));
  f.echo.go_on = true;
  const auto reply = busy.receive();
  CHECK(reply.body == "late");
  CHECK(reply.field("Connection") == "close");
  stopper.join();
  CHECK(f.server.connections() == 0);
}

TEST_CASE("Stopping without patience ends everything", "[http]") {
  Fixture f;
  RawClient busy(f.server.port());
  busy.send(request("POST", "/wait", "never"));
  REQUIRE(soon([&] { return f.echo.waiting == 1; }));
  f.server.stop(0ms);
  CHECK(f.echo.gone == 1);
  CHECK(f.server.connections() == 0);
}

TEST_CASE("An address that cannot be had is an error", "[http]") {
  Fixture f;
  Echo other;
  CHECK(kind_of([&] { HttpServer("127.0.0.1", f.server.port(), {}, nullptr, other); }) == ErrorKind::io);
  CHECK(kind_of([&] { HttpServer("not an address", 0, {}, nullptr, other); }) == ErrorKind::io);
}
