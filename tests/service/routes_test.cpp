#include "opaline/service/routes.h"

#include <catch2/catch.hpp>

using namespace opaline;

TEST_CASE("Targets of the protocol are found", "[routes]") {
  CHECK(route_of("/v2").kind == RouteKind::server);
  CHECK(route_of("/v2/health/live").kind == RouteKind::live);
  CHECK(route_of("/v2/health/ready").kind == RouteKind::ready);
  CHECK(route_of("/metrics").kind == RouteKind::metrics);
  CHECK(route_of("/metrics?name=x").kind == RouteKind::metrics);
  CHECK(route_of("/v2/models/digits").kind == RouteKind::model);
  CHECK(route_of("/v2/models/digits/ready").kind == RouteKind::model_ready);
  CHECK(route_of("/v2/models/digits/spec").kind == RouteKind::spec);
  const Route infer = route_of("/v2/models/digits/infer");
  CHECK(infer.kind == RouteKind::infer);
  CHECK(infer.model == "digits");
  CHECK(infer.version.empty());
  const Route old = route_of("http://any:1/v2/models/a.b/versions/7f/infer?x=/y");
  CHECK(old.kind == RouteKind::infer);
  CHECK(old.model == "a.b");
  CHECK(old.version == "7f");
  CHECK(route_of("/v2/models/digits/versions/1").version == "1");
}

TEST_CASE("Everything else is nothing", "[routes]") {
  for (const char* target : {"",
                             "*",
                             "/",
                             "v2",
                             "//v2",
                             "/v2/",
                             "/V2",
                             "/v2/health",
                             "/v2/health/live/",
                             "/v2/models",
                             "/v2/models/a/",
                             "/v2/models/a/other",
                             "/v2/models/a/infer/",
                             "/v2/models/a/infer/b",
                             "/v2/models/a/versions",
                             "/v2/models/a/versions/",
                             "/v2/models/a/versions//infer",
                             "/v2/../v2",
                             "/v2/models/a/../../../etc/passwd",
                             "/metrics/",
                             "/%76%32",
                             "http://x",
                             "/v2\\models\\a"}) {
    CAPTURE(target);
    CHECK(route_of(target).kind == RouteKind::nothing);
  }
  // A name that is no model's is for the catalogue to find out.
  CHECK(route_of("/v2/models/..").model == "..");
  CHECK(route_of("/v2/models/%2e%2e/spec").model == "%2e%2e");
}
