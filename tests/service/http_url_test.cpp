// What URLs say, and which are refused.

#include "opaline/service/http_url.h"

#include <catch2/catch.hpp>

#include "support/error_kind.h"

using namespace opaline;
using namespace opaline::test;

TEST_CASE("a URL is scheme, host, port and prefix") {
  const HttpUrl plain = HttpUrl::parse("http://Example.org");
  CHECK_FALSE(plain.tls);
  CHECK(plain.host == "example.org");
  CHECK(plain.port == "80");
  CHECK(plain.prefix.empty());
  CHECK(plain.authority() == "example.org");
  CHECK(plain.text("/v2") == "http://example.org/v2");

  const HttpUrl all = HttpUrl::parse("HTTPS://models.example.org:08443/Team/a%20b/");
  CHECK(all.tls);
  CHECK(all.port == "8443");
  CHECK(all.prefix == "/Team/a%20b");
  CHECK(all.authority() == "models.example.org:8443");
  CHECK(all.text() == "https://models.example.org:8443/Team/a%20b");

  CHECK(HttpUrl::parse("https://x").port == "443");
  CHECK(HttpUrl::parse("https://x:443").authority() == "x");
  CHECK(HttpUrl::parse("http://x//").prefix.empty());
}

TEST_CASE("IPv6 addresses stand in brackets") {
  const HttpUrl url = HttpUrl::parse("http://[2001:DB8::1]:8080/p");
  CHECK(url.host == "2001:db8::1");
  CHECK(url.port == "8080");
  CHECK(url.authority() == "[2001:db8::1]:8080");
  CHECK(HttpUrl::parse("https://[::1]").port == "443");
}

TEST_CASE("loopback is known by its addresses and by its name") {
  for (const char* url :
       {"http://localhost:1", "http://127.0.0.1", "http://127.9.8.7:80", "http://[::1]:80"}) {
    CAPTURE(url);
    CHECK(HttpUrl::parse(url).is_loopback());
  }
  for (const char* url : {"http://localhost.example.org", "http://10.0.0.1", "http://127.example.org",
                          "http://[::2]", "http://0.0.0.0"}) {
    CAPTURE(url);
    CHECK_FALSE(HttpUrl::parse(url).is_loopback());
  }
}

TEST_CASE("what is no URL of a server is refused") {
  for (const std::string url : {"",
                                "x",
                                "example.org:80",
                                "ftp://x",
                                "http:/x",
                                "http://",
                                "http://:80",
                                "http:///p",
                                "http://x:",
                                "http://x:0",
                                "http://x:65536",
                                "http://x:-1",
                                "http://x:8o",
                                "http://x:1:2",
                                "http://::1",
                                "http://[::1",
                                "http://[]",
                                "http://[x]",
                                "http://[::1]x",
                                "http://[fe80::1%25eth0]",
                                "http://a b",
                                "http://x/a b",
                                "http://x/?q",
                                "http://x/#f",
                                "http://x?q",
                                "http://x\r\nHost: y",
                                "http://x/\x01",
                                "http://ex\xc3\xa4mple",
                                "http://x\\y",
                                "http://x%2fy",
                                "http://x,y"}) {
    CAPTURE(url);
    CHECK(kind_of([&] { HttpUrl::parse(url); }) == ErrorKind::invalid_argument);
  }
  CHECK(kind_of([] { HttpUrl::parse("http://" + std::string(254, 'x')); }) == ErrorKind::invalid_argument);
  CHECK(kind_of([] { HttpUrl::parse("http://x/" + std::string(3000, 'x')); }) == ErrorKind::invalid_argument);
}

TEST_CASE("a password in a URL is refused and not repeated") {
  const auto error = error_of([] { HttpUrl::parse("https://alice:hunter2@example.org"); });
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::invalid_argument);
  CHECK(std::string(error->what()).find("hunter2") == std::string::npos);
}

TEST_CASE("a name is one segment of a path") {
  CHECK(path_segment("digits-2_b.v~1") == "digits-2_b.v~1");
  CHECK(path_segment("a/b c?#%\xc3\xa4") == "a%2Fb%20c%3F%23%25%C3%A4");
  CHECK(path_segment("..") == "%2E%2E");
  CHECK(path_segment("a\r\nb") == "a%0D%0Ab");
}
