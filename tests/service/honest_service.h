#pragma once

#include <functional>
#include <string>

#include "opaline/inference/server.h"
#include "opaline/service/open_inference.h"
#include "service/scripted_server.h"

namespace opaline::test {

/// The value of a field of a request, empty if it has none.
std::string field_in(const std::string& request, const std::string& name);

std::string text_of(const Bytes& bytes);

/// A reply as a server writes it that closes the connection after it.
std::string written(const HttpReply& reply);

/// What an honest server says, as scripts and as parts of scripts that are not honest.
class HonestService {
 public:
  explicit HonestService(CompiledModel model) : server_(std::move(model)) {}

  const CompiledModel& model() const { return server_.model(); }
  const ClientSpec& spec() const { return model().client_spec(); }

  InferRequest read(const std::string& request) const;
  Bytes answer(const InferRequest& request) const { return server_.answer(request.query); }
  HttpReply reply_with(const InferRequest& request, Bytes reply) const;

  // Scripts of one request.
  Script give_spec() const;
  Script give_answer() const;
  /// As give_answer, with the reply's bytes changed in between.
  Script give_changed(const std::function<void(Bytes&)>& change) const;
  /// Either, as the request wants.
  Script give() const;

 private:
  Server server_;
};

}  // namespace opaline::test
