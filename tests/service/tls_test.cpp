// Which servers the client speaks to over TLS.

#include <catch2/catch.hpp>
#include <chrono>

#include "opaline/base/file.h"
#include "opaline/service/http_client.h"
#include "service/certificates.h"
#include "service/scripted_server.h"
#include "support/error_kind.h"
#include "support/temporary_folder.h"

using namespace opaline;
using namespace opaline::test;

namespace {

// A server with a certificate, and a client that trusts a file.
class Meeting {
 public:
  explicit Meeting(const TlsCertificate& certificate)
      : tls_(server_tls(certificate)), ca_file_(folder_ / "ca.pem") {
    trust(certificate);
  }

  boost::asio::ssl::context& tls() { return tls_; }

  void trust(const TlsCertificate& certificate) const {
    write_file(ca_file_, as_bytes(certificate.certificate), FileMode::everyone);
  }

  // What comes of a GET at https://HOST.
  std::optional<Error> error_at(const std::string& host) {
    ScriptedServer server({says(http_reply(200, "hello"))}, tls_);
    HttpClientSettings settings;
    settings.ca_file = ca_file_;
    HttpClient client(HttpUrl::parse("https://" + host + ":" + std::to_string(server.port())), settings);
    return error_of([&] {
      HttpCall call;
      call.deadline = std::chrono::steady_clock::now() + std::chrono::seconds(4);
      const HttpReply reply = client.call(call);
      CHECK(std::string(reply.body.begin(), reply.body.end()) == "hello");
    });
  }

 private:
  TemporaryFolder folder_;
  boost::asio::ssl::context tls_;
  std::filesystem::path ca_file_;
};

void check_refused(const std::optional<Error>& error, const std::string& why) {
  REQUIRE(error);
  CHECK(error->kind() == ErrorKind::authentication);
  CAPTURE(error->what());
  CHECK(std::string(error->what()).find(why) != std::string::npos);
}

}  // namespace

TEST_CASE("a certificate for the host from a known authority is accepted") {
  Meeting meeting(make_certificate("DNS:localhost,IP:127.0.0.1"));
  CHECK_FALSE(meeting.error_at("localhost"));
  CHECK_FALSE(meeting.error_at("127.0.0.1"));
}

TEST_CASE("a certificate for another host is refused") {
  Meeting name(make_certificate("DNS:example.org"));
  check_refused(name.error_at("localhost"), "made out to another name than localhost");
  check_refused(name.error_at("127.0.0.1"), "made out to another name than 127.0.0.1");
  Meeting address(make_certificate("IP:127.0.0.1"));
  check_refused(address.error_at("localhost"), "another name");
  // An address written as a name is no address.
  Meeting text(make_certificate("DNS:127.0.0.1"));
  check_refused(text.error_at("127.0.0.1"), "another name");
}

TEST_CASE("a certificate of an unknown authority is refused") {
  Meeting meeting(make_certificate("DNS:localhost"));
  meeting.trust(make_certificate("DNS:localhost"));
  check_refused(meeting.error_at("localhost"), "not trusted");
}

TEST_CASE("an expired certificate is refused") {
  Meeting meeting(make_certificate("DNS:localhost", true));
  check_refused(meeting.error_at("localhost"), "expired");
}

TEST_CASE("TLS 1.2 is spoken, TLS 1.1 is not") {
  Meeting meeting(make_certificate("DNS:localhost"));
  // Debian's settings forbid old versions; here the server is to allow them, so that the client has to
  // refuse.
  SSL_CTX_set_security_level(meeting.tls().native_handle(), 0);
  SSL_CTX_set_max_proto_version(meeting.tls().native_handle(), TLS1_2_VERSION);
  CHECK_FALSE(meeting.error_at("localhost"));
  SSL_CTX_set_min_proto_version(meeting.tls().native_handle(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(meeting.tls().native_handle(), TLS1_1_VERSION);
  check_refused(meeting.error_at("localhost"), "no TLS connection");
}

TEST_CASE("a server that does not speak TLS is refused") {
  const ScriptedServer server({says(http_reply(200, "hello"))});
  HttpClient client(HttpUrl::parse("https://localhost:" + std::to_string(server.port())));
  HttpCall call;
  call.deadline = std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  CHECK(kind_of([&] { client.call(call); }).has_value());
}

TEST_CASE("a file without certificates is an error that names it") {
  const TemporaryFolder folder;
  const std::filesystem::path file = folder / "none.pem";
  for (const bool there : {false, true}) {
    if (there) write_file(file, as_bytes("nothing"), FileMode::everyone);
    HttpClientSettings settings;
    settings.ca_file = file;
    const auto error = error_of([&] { HttpClient(HttpUrl::parse("https://localhost"), settings); });
    REQUIRE(error);
    CHECK(error->kind() == ErrorKind::io);
    CHECK(std::string(error->what()).find(file.string()) == 0);
  }
}
