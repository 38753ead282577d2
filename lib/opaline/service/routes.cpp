#include "opaline/service/routes.h"

#include <algorithm>
#include <string_view>
#include <vector>

namespace opaline {
namespace {

// The parts between slashes of a path that begins with one.
std::vector<std::string_view> parts_of(std::string_view path) {
  std::vector<std::string_view> parts;
  while (path.starts_with('/')) {
    path.remove_prefix(1);
    const std::size_t end = std::min(path.find('/'), path.size());
    parts.push_back(path.substr(0, end));
    path.remove_prefix(end);
  }
  return parts;
}

std::string_view path_of(std::string_view target) {
  target = target.substr(0, target.find('?'));
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!target.starts_with(scheme)) continue;
    target.remove_prefix(scheme.size());
    target.remove_prefix(std::min(target.find('/'), target.size()));
  }
  return target;
}

}  // namespace

Route route_of(const std::string& target) {
  const std::vector<std::string_view> parts = parts_of(path_of(target));
  const auto is = [&](std::initializer_list<std::string_view> path) {
    return std::equal(parts.begin(), parts.end(), path.begin(), path.end());
  };
  if (is({"metrics"})) return {RouteKind::metrics, "", ""};
  if (is({"v2"})) return {RouteKind::server, "", ""};
  if (is({"v2", "health", "live"})) return {RouteKind::live, "", ""};
  if (is({"v2", "health", "ready"})) return {RouteKind::ready, "", ""};
  if (parts.size() < 3 || parts[0] != "v2" || parts[1] != "models") return {};

  Route route{RouteKind::model, std::string(parts[2]), ""};
  std::size_t next = 3;
  if (parts.size() > 4 && parts[3] == "versions") {
    route.version = parts[4];
    if (route.version.empty()) return {};
    next = 5;
  }
  if (parts.size() == next) return route;
  if (parts.size() > next + 1) return {};
  if (parts[next] == "ready") {
    route.kind = RouteKind::model_ready;
  } else if (parts[next] == "spec") {
    route.kind = RouteKind::spec;
  } else if (parts[next] == "infer") {
    route.kind = RouteKind::infer;
  } else {
    return {};
  }
  return route;
}

const char* name_of(RouteKind kind) {
  switch (kind) {
    case RouteKind::server:
      return "server";
    case RouteKind::live:
      return "live";
    case RouteKind::ready:
      return "ready";
    case RouteKind::model:
      return "model";
    case RouteKind::model_ready:
      return "model_ready";
    case RouteKind::spec:
      return "spec";
    case RouteKind::infer:
      return "infer";
    case RouteKind::metrics:
      return "metrics";
    case RouteKind::nothing:
      break;
  }
  return "other";
}

}  // namespace opaline
