#pragma once

#include <boost/asio/ssl/context.hpp>
#include <filesystem>
#include <string>

namespace opaline::test {

/// A certificate with its key, both PEM.
struct TlsCertificate {
  std::string certificate;
  std::string key;
};

/// Made with a fresh key, signed by itself, good for an hour from now (or ended an hour ago), and made out to
/// names such as "DNS:localhost,IP:127.0.0.1".
TlsCertificate make_certificate(const std::string& names, bool expired = false);

/// A server's side of TLS with that certificate.
boost::asio::ssl::context server_tls(const TlsCertificate& certificate);

}  // namespace opaline::test
