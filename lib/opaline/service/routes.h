#pragma once

#include <string>

namespace opaline {

/// What a request's target asks for.
enum class RouteKind { server, live, ready, model, model_ready, spec, infer, metrics, nothing };

struct Route {
  RouteKind kind = RouteKind::nothing;
  std::string model;    ///< as it stands there
  std::string version;  ///< empty if none is asked for
};

/// Reads the path of a target; a query behind it is ignored, and so is a scheme and a host before it. Nothing
/// is decoded: names of models need no escapes.
Route route_of(const std::string& target);

/// The route's name in logs and metrics: "infer", "other" for nothing.
const char* name_of(RouteKind kind);

}  // namespace opaline
