#include "service/honest_service.h"

#include <boost/algorithm/string/case_conv.hpp>
#include <utility>

namespace opaline::test {

std::string field_in(const std::string& request, const std::string& name) {
  const std::string lower = boost::algorithm::to_lower_copy(request);
  const std::size_t found = lower.find("\r\n" + boost::algorithm::to_lower_copy(name) + ": ");
  if (found == std::string::npos) return "";
  const std::size_t start = found + name.size() + 4;
  return request.substr(start, request.find("\r\n", start) - start);
}

std::string text_of(const Bytes& bytes) { return {bytes.begin(), bytes.end()}; }

std::string written(const HttpReply& reply) {
  std::string fields = "Connection: close\r\nContent-Type: " + reply.content_type + "\r\n";
  for (const auto& [name, value] : reply.fields) fields += name + ": " + value + "\r\n";
  return http_reply(reply.status, text_of(reply.body), fields);
}

InferRequest HonestService::read(const std::string& request) const {
  const std::string body = request.substr(request.find("\r\n\r\n") + 4);
  return parse_infer_request(as_bytes(body), field_in(request, kHeaderLengthField));
}

HttpReply HonestService::reply_with(const InferRequest& request, Bytes reply) const {
  return infer_reply(request, {spec().name, "1", to_hex(spec().model_id)}, std::move(reply));
}

Script HonestService::give_spec() const {
  return says(written({200, "application/octet-stream", {}, spec().serialise()}));
}

Script HonestService::give_answer() const {
  return give_changed([](Bytes&) {});
}

Script HonestService::give_changed(const std::function<void(Bytes&)>& change) const {
  return [this, change](Wire& wire) {
    const InferRequest request = read(wire.request());
    Bytes reply = answer(request);
    change(reply);
    wire.send(written(reply_with(request, reply)));
  };
}

Script HonestService::give() const {
  return [this](Wire& wire) {
    const std::string text = wire.request();
    if (text.rfind("GET ", 0) == 0) {
      wire.send(written({200, "application/octet-stream", {}, spec().serialise()}));
    } else {
      const InferRequest request = read(text);
      wire.send(written(reply_with(request, answer(request))));
    }
  };
}

}  // namespace opaline::test
