#include <algorithm>

#include "fuzz/targets/targets.h"
#include "opaline/service/http_url.h"
#include "opaline/service/routes.h"

namespace opaline::fuzz {
namespace {

std::vector<Bytes> seeds() {
  return {bytes_of("http://127.0.0.1:8080"),
          bytes_of("HTTPS://Example.org/some/prefix/"),
          bytes_of("https://[2001:db8::1]:8443/x"),
          bytes_of("/v2/models/digits/versions/0123456789abcdef/infer?x=y"),
          bytes_of("http://host/v2/health/ready"),
          bytes_of("/v2/models/digits/spec"),
          bytes_of("/metrics")};
}

void run(ByteView input) {
  const std::string text = text_of(input);
  accepted({ErrorKind::invalid_argument}, [&] {
    const HttpUrl url = HttpUrl::parse(text);
    const HttpUrl again = HttpUrl::parse(url.text());
    require(again.tls == url.tls && again.host == url.host && again.port == url.port &&
                again.prefix == url.prefix,
            "a URL is read as it was written");
    require(url.text().find_first_of("\r\n ") == std::string::npos, "a URL cannot end a line");
    url.is_loopback();
  });
  const std::string segment = path_segment(text);
  require(std::none_of(segment.begin(), segment.end(),
                       [](char c) { return c <= ' ' || c >= '\x7f' || c == '/' || c == '?' || c == '#'; }),
          "a segment stays one");
  const Route route = route_of(text);
  require(name_of(route.kind)[0] != '\0', "every route has a name");
  require(route.model.find('/') == std::string::npos && route.version.find('/') == std::string::npos,
          "a name is one segment");
}

}  // namespace

FuzzTarget url_target() { return {"url", seeds, run, mutate_blindly, 300}; }

}  // namespace opaline::fuzz
