#include "opaline/service/http.h"

#include <algorithm>
#include <boost/algorithm/string/predicate.hpp>
#include <nlohmann/json.hpp>

namespace opaline {

std::string field_of(const HttpFields& fields, const std::string& name) {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const auto& one) { return boost::iequals(one.first, name); });
  return found == fields.end() ? "" : found->second;
}

HttpReply json_reply(const std::string& json) {
  HttpReply reply;
  reply.body.assign(json.begin(), json.end());
  return reply;
}

HttpReply error_reply(unsigned status, const std::string& message) {
  const nlohmann::json body{{"error", message}};
  // Messages may quote what was sent, which need not be UTF-8.
  HttpReply reply = json_reply(body.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  reply.status = status;
  return reply;
}

}  // namespace opaline
