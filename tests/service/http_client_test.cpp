// The HTTP client against servers that answer as they please.

#include "opaline/service/http_client.h"

#include <catch2/catch.hpp>
#include <chrono>
#include <mutex>
#include <vector>

#include "service/honest_service.h"
#include "service/scripted_server.h"
#include "support/error_kind.h"

using namespace opaline;
using namespace opaline::test;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {

HttpClient client_of(const ScriptedServer& server) { return HttpClient(HttpUrl::parse(server.url())); }

HttpCall get(std::uint64_t largest_reply = 1000) {
  HttpCall call;
  call.path = "/x";
  call.largest_reply = largest_reply;
  call.deadline = Clock::now() + std::chrono::seconds(4);
  return call;
}

// What one GET comes to when the server sends these bytes and closes.
std::optional<Error> error_from(const std::string& bytes, std::uint64_t largest_reply = 1000) {
  const ScriptedServer server({says(bytes)});
  HttpClient client = client_of(server);
  return error_of([&] { client.call(get(largest_reply)); });
}

std::optional<ErrorKind> kind_from(const std::string& bytes, std::uint64_t largest_reply = 1000) {
  const auto error = error_from(bytes, largest_reply);
  return error ? std::optional(error->kind()) : std::nullopt;
}

}  // namespace

TEST_CASE("a request is what was asked for, and its reply comes back") {
  std::string request;
  const ScriptedServer server({[&](Wire& wire) {
    request = wire.request();
    wire.send(http_reply(207, "hello", "Content-Type: text/plain\r\nX-Other: one\r\n"));
  }});
  HttpClient client(HttpUrl::parse(server.url() + "/prefix/"));
  const Bytes body = {1, 2, 0, 3};
  HttpCall call = get();
  call.method = "POST";
  call.fields = {{"Authorization", "Bearer secret"}};
  call.content_type = "application/octet-stream";
  call.body = body;
  const HttpReply reply = client.call(call);
  CHECK(reply.status == 207);
  CHECK(reply.content_type == "text/plain");
  CHECK(field_of(reply.fields, "x-other") == "one");
  CHECK(text_of(reply.body) == "hello");

  CHECK(request.rfind("POST /prefix/x HTTP/1.1\r\n", 0) == 0);
  CHECK(request.find("\r\nHost: 127.0.0.1:" + std::to_string(server.port()) + "\r\n") != std::string::npos);
  CHECK(request.find("\r\nAuthorization: Bearer secret\r\n") != std::string::npos);
  CHECK(request.find("\r\nContent-Type: application/octet-stream\r\n") != std::string::npos);
  CHECK(request.find("\r\nContent-Length: 4\r\n") != std::string::npos);
  CHECK(request.substr(request.size() - 8) == std::string("\r\n\r\n\x01\x02\x00\x03", 8));
}

TEST_CASE("a connection is kept for the next request") {
  const ScriptedServer server({[](Wire& wire) {
    for (int i = 0; i < 3; ++i) {
      wire.request();
      wire.send(http_reply(200, std::to_string(i)));
    }
  }});
  HttpClient client = client_of(server);
  for (int i = 0; i < 3; ++i) CHECK(text_of(client.call(get()).body) == std::to_string(i));
  CHECK(server.connections() == 1);
}

TEST_CASE("a kept connection that the server has closed is replaced without a word") {
  const ScriptedServer server({says(http_reply(200, "a")), says(http_reply(200, "b"))});
  HttpClient client = client_of(server);
  CHECK(text_of(client.call(get()).body) == "a");
  CHECK(text_of(client.call(get()).body) == "b");
  CHECK(server.connections() == 2);
}

TEST_CASE("a connection that is not to be kept is not") {
  for (const std::string& reply : {http_reply(200, "a", "Connection: close\r\n"),
                                   std::string("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\na"),
                                   std::string("HTTP/1.1 200 OK\r\n\r\na"), http_reply(200, "a") + "more"}) {
    CAPTURE(reply);
    const ScriptedServer server({says(reply)});
    HttpClient client = client_of(server);
    CHECK(text_of(client.call(get()).body) == "a");
    CHECK(text_of(client.call(get()).body) == "a");
    CHECK(server.connections() == 2);
  }
}

TEST_CASE("chunked replies are read, and held to the limit") {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  const ScriptedServer server({says(head + "3\r\nabc\r\n2;name=value\r\nde\r\n0\r\nX-Trailer: t\r\n\r\n")});
  HttpClient client = client_of(server);
  CHECK(text_of(client.call(get(5)).body) == "abcde");
  CHECK(kind_from(head + "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", 5) == ErrorKind::too_large);
  CHECK(kind_from(head + "FFFFFFFFFFFFFFF\r\nabc", 5) == ErrorKind::too_large);
  CHECK(kind_from(head + "fffffffffffffffff\r\nabc", 5) == ErrorKind::damaged);
  CHECK(kind_from(head + "3\r\nabcdef\r\n0\r\n\r\n") == ErrorKind::damaged);
  CHECK(kind_from(head + "3\r\nabc\r\n") == ErrorKind::network);
  CHECK(kind_from(head + "1;" + std::string(200'000, 'x') + "\r\na\r\n0\r\n\r\n") == ErrorKind::too_large);
  std::string trailers;
  for (int i = 0; i < 20'000; ++i) trailers += "X-Trailer: t\r\n";
  CHECK(kind_from(head + "0\r\n" + trailers + "\r\n") == ErrorKind::too_large);
}

TEST_CASE("a body is refused by its length alone, before any of it has come") {
  const auto start = Clock::now();
  const ScriptedServer server({[](Wire& wire) {
    wire.request();
    wire.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000000000000\r\n\r\n");
    wire.request();  // keeps the connection open
  }});
  HttpClient client = client_of(server);
  const auto error = error_of([&] { client.call(get(1 << 20)); });
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::too_large);
  CHECK(std::string(error->what()).rfind(server.url() + "/x: ", 0) == 0);
  CHECK(Clock::now() - start < std::chrono::seconds(3));
  CHECK(kind_from(http_reply(200, std::string(1001, 'x'))) == ErrorKind::too_large);
  CHECK_FALSE(kind_from(http_reply(200, std::string(1000, 'x'))));
  CHECK(kind_from("HTTP/1.1 200 OK\r\n\r\n" + std::string(1001, 'x')) == ErrorKind::too_large);
}

TEST_CASE("headers are limited") {
  CHECK(kind_from("HTTP/1.1 200 OK\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n") == ErrorKind::too_large);
  CHECK(kind_from("HTTP/1.1 200 " + std::string(20'000, 'x') + "\r\n\r\n") == ErrorKind::too_large);
  std::string many;
  for (int i = 0; i < 5'000; ++i) many += "X: y\r\n";
  CHECK(kind_from("HTTP/1.1 200 OK\r\n" + many + "\r\n") == ErrorKind::too_large);
  const ScriptedServer server({[](Wire& wire) {
    wire.request();
    wire.send("HTTP/1.1 200 OK\r\n");
    wire.trickle(std::string(1000, 'X') + ": y\r\n", milliseconds(0));
  }});
  HttpClient client = client_of(server);
  CHECK(kind_of([&] { client.call(get()); }) == ErrorKind::too_large);
}

TEST_CASE("what is not HTTP is refused") {
  for (const std::string bytes :
       {"hello\r\n\r\n", "SSH-2.0-OpenSSH_9.2\r\n", "HTTP/2 200\r\n\r\n", "HTTP/1.1 20 OK\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: abc\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
        "\x16\x03\x01\x02\x01\x01\x01\x01\xfc\x03\x03 and more of a hand that is offered"}) {
    CAPTURE(bytes);
    const auto error = error_from(bytes);
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::damaged);
  }
  CHECK(kind_from(http_reply(200, "x", "Content-Encoding: gzip\r\n")) == ErrorKind::damaged);
}

TEST_CASE("interim replies are passed over, but not for ever") {
  const std::string interim = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n";
  const ScriptedServer server({says(interim + interim + http_reply(200, "a"))});
  HttpClient client = client_of(server);
  CHECK(text_of(client.call(get()).body) == "a");
  std::string many;
  for (int i = 0; i < 100; ++i) many += interim;
  CHECK(kind_from(many + http_reply(200, "a")) == ErrorKind::damaged);
}

TEST_CASE("a connection that ends early is a matter of the network") {
  const std::string whole = http_reply(200, "0123456789");
  for (std::size_t length = 0; length < whole.size(); ++length) {
    CAPTURE(length);
    CHECK(kind_from(whole.substr(0, length)) == ErrorKind::network);
  }
  CHECK_FALSE(kind_from(whole));
}

TEST_CASE("a refused connection names the URL and what to do") {
  const std::string url = "http://127.0.0.1:" + std::to_string(free_port());
  HttpClient client{HttpUrl::parse(url)};
  const auto error = error_of([&] { client.call(get()); });
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::network);
  CHECK(std::string(error->what()).rfind(url + ": no connection: ", 0) == 0);
}

TEST_CASE("a slow reply ends by the deadline, however it trickles") {
  for (const std::string start :
       {"", "HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"}) {
    CAPTURE(start);
    const ScriptedServer server({[&](Wire& wire) {
      wire.request();
      wire.send(start);
      wire.trickle("x", milliseconds(10));
    }});
    HttpClient client = client_of(server);
    HttpCall call = get();
    const auto begin = Clock::now();
    call.deadline = begin + milliseconds(200);
    const auto kind = kind_of([&] { client.call(call); });
    CHECK(kind == ErrorKind::network);
    CHECK(Clock::now() - begin < std::chrono::seconds(3));
  }
  const ScriptedServer silent({[](Wire& wire) {
    wire.request();
    wire.request();
  }});
  HttpClient client = client_of(silent);
  HttpCall call = get();
  call.deadline = Clock::now() + milliseconds(100);
  CHECK(kind_of([&] { client.call(call); }) == ErrorKind::network);
  call.deadline = Clock::now() - milliseconds(1);
  CHECK(kind_of([&] { client.call(call); }) == ErrorKind::network);
}

TEST_CASE("a server that takes no body can still say why") {
  const ScriptedServer server(
      {[](Wire& wire) { wire.send(http_reply(413, "too much", "Connection: close\r\n")); }});
  HttpClient client = client_of(server);
  const Bytes body(8 << 20);
  HttpCall call = get();
  call.method = "POST";
  call.body = body;
  const HttpReply reply = client.call(call);
  CHECK(reply.status == 413);
  CHECK(text_of(reply.body) == "too much");
}

TEST_CASE("nothing can be smuggled into a header") {
  const ScriptedServer server({says(http_reply(200, ""))});
  HttpClient client = client_of(server);
  const auto refused = [&](const std::string& path, const HttpFields& fields, const std::string& type) {
    HttpCall call = get();
    call.path = path;
    call.fields = fields;
    call.content_type = type;
    const auto error = error_of([&] { client.call(call); });
    return error && error->kind() == ErrorKind::invalid_argument &&
           std::string(error->what()).find("secret") == std::string::npos;
  };
  CHECK(refused("/x", {{"Authorization", "Bearer secret\r\nX: y"}}, ""));
  CHECK(refused("/x", {{"Authorization", std::string("secret\0", 7)}}, ""));
  CHECK(refused("/x", {{"A b", "secret"}}, ""));
  CHECK(refused("/x", {{"A:", "secret"}}, ""));
  CHECK(refused("/x secret", {}, ""));
  CHECK(refused("/x\nsecret", {}, ""));
  CHECK(refused("secret", {}, ""));
  CHECK(refused("/x", {}, "secret\r\n"));
  CHECK(server.connections() == 0);
}

TEST_CASE("plain HTTP to another machine has to be asked for") {
  const HttpUrl url = HttpUrl::parse("http://192.0.2.1");
  CHECK(kind_of([&] { HttpClient{url}; }) == ErrorKind::authentication);
  HttpClientSettings settings;
  settings.allow_plain_http = true;
  CHECK_NOTHROW(HttpClient(url, settings));
}

TEST_CASE("a host that does not answer costs no more than the time to connect") {
  HttpClientSettings settings;
  settings.allow_plain_http = true;
  settings.connect_time = milliseconds(100);
  HttpClient client(HttpUrl::parse("http://192.0.2.1:9"), settings);  // an address that nobody has
  const auto begin = Clock::now();
  CHECK(kind_of([&] { client.call(get()); }) == ErrorKind::network);
  CHECK(Clock::now() - begin < std::chrono::seconds(2));
}
