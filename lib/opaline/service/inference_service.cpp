#include "opaline/service/inference_service.h"

#include <algorithm>
#include <atomic>
#include <boost/algorithm/string/predicate.hpp>
#include <cmath>
#include <exception>
#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/service/access.h"
#include "opaline/service/evaluation_queue.h"
#include "opaline/service/http_server.h"
#include "opaline/service/open_inference.h"
#include "opaline/service/routes.h"
#include "opaline/service/service_metrics.h"

namespace opaline {
namespace {

using Json = nlohmann::ordered_json;

constexpr unsigned kClientGone = 499;
constexpr std::size_t kShownOfKey = 16;
constexpr std::size_t kShownOfTarget = 200;
constexpr const char* kOctets = "application/octet-stream";

/// What a failure of the library is to a client.
unsigned status_of(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::too_large:
      return 413;
    case ErrorKind::wrong_model:
      return 409;
    case ErrorKind::fault:
    case ErrorKind::io:
    case ErrorKind::unsupported_backend:
    case ErrorKind::unsupported_model:
    case ErrorKind::corrupt_reply:
    case ErrorKind::network:
    case ErrorKind::authentication:
      return 500;
    case ErrorKind::invalid_argument:
    case ErrorKind::damaged:
    case ErrorKind::unsupported_version:
    case ErrorKind::invalid_key:
    case ErrorKind::invalid_ciphertext:
    case ErrorKind::wrong_key:
    case ErrorKind::out_of_range:
    case ErrorKind::does_not_fit:
      break;
  }
  return 400;
}

/// For metrics: what kind of error a status is.
const char* kind_of(unsigned status) {
  switch (status) {
    case 401:
      return "unauthorised";
    case 404:
      return "not_found";
    case 405:
      return "wrong_method";
    case 408:
      return "too_slow";
    case 409:
      return "wrong_model";
    case 413:
    case 431:
      return "too_large";
    case 415:
      return "wrong_type";
    case 429:
      return "limited";
    case 499:
      return "client_gone";
    case 500:
      return "internal";
    case 503:
      return "overloaded";
    default:
      return "bad_request";
  }
}

HttpReply reply_to(const HttpRefusal& refusal) {
  HttpReply reply = error_reply(refusal.status(), refusal.what());
  if (refusal.retry_after().count() > 0) {
    reply.fields.emplace_back("Retry-After", std::to_string(refusal.retry_after().count()));
  }
  return reply;
}

HttpReply reply_of(const Json& json) { return json_reply(json.dump()); }

// A media type without its parameters.
std::string type_of(const HttpRequest& request) {
  std::string type = request.field("Content-Type");
  type.resize(std::min(type.find(';'), type.size()));
  while (!type.empty() && (type.back() == ' ' || type.back() == '\t')) type.pop_back();
  return type;
}

void check_type(const HttpRequest& request) {
  const std::string encoding = request.field("Content-Encoding");
  if (!encoding.empty() && !boost::iequals(encoding, "identity")) {
    throw HttpRefusal(415, "ciphertexts do not get smaller: send them without a Content-Encoding");
  }
  const std::string type = type_of(request);
  const bool binary = !request.field(kHeaderLengthField).empty();
  const bool known =
      type.empty() || boost::iequals(type, "application/json") || (binary && boost::iequals(type, kOctets));
  if (known) return;
  throw HttpRefusal(
      415, std::string("send application/json, or ") + kOctets + " with the field " + kHeaderLengthField);
}

Json tensor(const char* name) { return {{"name", name}, {"datatype", "BYTES"}, {"shape", {1}}}; }

Json metadata(const ServedModel& model) {
  return {{"name", model.name},
          {"versions", {model.version}},
          {"platform", "opaline_paillier"},
          {"inputs", Json::array({tensor("query")})},
          {"outputs", Json::array({tensor("reply")})},
          {"parameters", {{"model_id", model.id}}}};
}

HttpReply token_needed() {
  HttpReply reply = error_reply(401, "a bearer token is needed: Authorization: Bearer TOKEN");
  reply.fields.emplace_back("WWW-Authenticate", "Bearer");
  return reply;
}

bool wants_token(RouteKind kind) {
  return kind != RouteKind::live && kind != RouteKind::ready && kind != RouteKind::server &&
         kind != RouteKind::nothing;
}

}  // namespace

class InferenceService::State : public HttpApplication {
 public:
  State(const ServiceSettings& settings, const Backend& backend, EventLog& log)
      : settings_(settings),
        log_(log),
        models_(settings.models, settings.keys_a_model, backend),
        access_(read_tokens()),
        tls_(read_tls()),
        metrics_(settings.version, std::string(backend.name())),
        queue_({settings.workers, settings.waiting, settings.query},
               [this](const ServedModel& model, const QuerySummary& query, double seconds) {
                 metrics_.count_evaluation(model.name, query.images, seconds);
               }),
        http_(
            settings.address, settings.port, settings.http, [this] { return tls(); }, *this) {
    for (const auto& model : models_.all()) {
      log_.write("model", {{"model", model->name}, {"version", model->version}, {"model_id", model->id}});
    }
  }

  std::string url() const {
    const bool six = settings_.address.find(':') != std::string::npos;
    return std::string(settings_.tls_certificate.empty() ? "http://" : "https://") +
           (six ? "[" + settings_.address + "]" : settings_.address) + ":" + std::to_string(http_.port());
  }

  void reload(Reload what) {
    const bool everything = what == Reload::everything;
    const auto which = everything ? ModelCatalogue::Which::all : ModelCatalogue::Which::changed;
    for (const ModelCatalogue::Event& event : models_.reload(which)) {
      EventLog::Fields fields{{"model", event.name}, {"version", event.version}};
      if (!event.problem.empty()) fields.emplace_back("problem", event.problem);
      metrics_.count_reload(event.problem.empty());
      log_.write("reload", fields);
    }
    if (!everything) return;
    const auto attempt = [&](const char* of, const auto& action) {
      try {
        action();
      } catch (const std::exception& error) {
        log_.write("reload", {{"of", of}, {"problem", error.what()}});
      }
    };
    if (!settings_.token_file.empty()) attempt("tokens", [&] { access_.replace(read_tokens()); });
    if (!settings_.tls_certificate.empty()) {
      attempt("certificate", [&] {
        auto fresh = read_tls();
        const std::lock_guard lock(tls_mutex_);
        tls_ = std::move(fresh);
      });
    }
  }

  void drain(std::chrono::milliseconds patience) {
    draining_ = true;
    http_.stop(patience);
  }

  std::optional<HttpReply> on_head(const HttpRequest& request) override {
    try {
      const Route route = route_of(request.target);
      if (route.kind == RouteKind::nothing) throw HttpRefusal(404, "nothing is here; see /v2");
      const bool asks = request.method == "GET" || request.method == "HEAD";
      const bool infer = route.kind == RouteKind::infer;
      if (infer ? request.method != "POST" : !asks) {
        HttpReply reply = error_reply(405, "not a method of this resource");
        reply.fields.emplace_back("Allow", infer ? "POST" : "GET, HEAD");
        return reply;
      }
      std::optional<TokenGrant> holder;
      if (wants_token(route.kind) && access_.asks_for_tokens()) {
        holder = access_.holder(request.field("Authorization"));
        if (!holder) return token_needed();
      }
      if (!infer) return at_once(route);
      find(route);
      check_type(request);
      if (draining_) throw HttpRefusal(503, "this server is about to stop", std::chrono::seconds(1));
      if (holder) {
        const auto wait = access_.take_request(*holder, Access::Clock::now());
        if (wait.count() > 0) throw HttpRefusal(429, "more requests than this token is granted", wait);
      }
      return std::nullopt;
    } catch (const HttpRefusal& refusal) {
      return reply_to(refusal);
    }
  }

  HttpReply on_body(const HttpRequest& request, Bytes body, HttpPeer& peer) override {
    HttpFields notes;
    HttpReply reply;
    try {
      reply = infer(request, std::move(body), peer, notes);
    } catch (const HttpRefusal& refusal) {
      reply = reply_to(refusal);
    } catch (const Error& error) {
      const unsigned status = status_of(error.kind());
      // What fails on this side says more than a stranger should know.
      reply = error_reply(status, status == 500 ? "internal error" : error.what());
      notes.emplace_back("problem", error.what());
    }
    reply.notes = std::move(notes);
    return reply;
  }

  void on_done(const HttpExchange& exchange) override {
    try {
      record(exchange);
    } catch (const std::exception&) {
      // Neither logs nor metrics may end a connection.
    }
  }

 private:
  std::vector<TokenGrant> read_tokens() const {
    if (settings_.token_file.empty()) return {};
    return read_token_file(settings_.token_file);
  }

  std::shared_ptr<boost::asio::ssl::context> read_tls() const {
    if (settings_.tls_certificate.empty()) return nullptr;
    return tls_context(settings_.tls_certificate.string(), settings_.tls_key.string());
  }

  std::shared_ptr<boost::asio::ssl::context> tls() const {
    const std::lock_guard lock(tls_mutex_);
    return tls_;
  }

  std::shared_ptr<const ServedModel> find(const Route& route) const {
    auto model = models_.find(route.model);
    if (!model) throw HttpRefusal(404, "no model of that name is served here");
    if (!route.version.empty() && route.version != model->version) {
      throw HttpRefusal(404, "that version is not served any more; this one is: " + model->version);
    }
    return model;
  }

  // Replies to GET.
  HttpReply at_once(const Route& route) {
    switch (route.kind) {
      case RouteKind::server:
        return reply_of({{"name", "opaline"},
                         {"version", settings_.version},
                         {"extensions", {"binary_tensor_data", "opaline_client_spec"}}});
      case RouteKind::live:
        return reply_of({{"live", true}});
      case RouteKind::ready: {
        HttpReply reply = reply_of({{"live", true}, {"ready", !draining_.load()}});
        if (draining_) reply.status = 503;
        return reply;
      }
      case RouteKind::model:
        return reply_of(metadata(*find(route)));
      case RouteKind::model_ready:
        return reply_of({{"name", find(route)->name}, {"ready", true}});
      case RouteKind::spec: {
        const auto model = find(route);
        return {200, kOctets, {{"ETag", "\"" + model->id + "\""}}, model->spec};
      }
      case RouteKind::metrics: {
        HttpReply reply = json_reply(metrics_.text(
            {queue_.queued(), queue_.working(), queue_.workers(), http_.connections(), models_.all()}));
        reply.content_type = "text/plain; version=0.0.4; charset=utf-8";
        return reply;
      }
      case RouteKind::infer:
      case RouteKind::nothing:
        break;
    }
    throw HttpRefusal(404, "nothing is here");
  }

  HttpReply infer(const HttpRequest& request, Bytes body, HttpPeer& peer, HttpFields& notes) {
    const auto model = find(route_of(request.target));
    notes.emplace_back("model", model->name);
    notes.emplace_back("version", model->version);
    // Asked again: the token may have been revoked while the body was on its way.
    const std::optional<TokenGrant> holder = access_.holder(request.field("Authorization"));
    if (!holder && access_.asks_for_tokens()) return token_needed();
    if (holder) notes.emplace_back("token", holder->name);
    InferRequest question =
        parse_infer_request(body, request.field(kHeaderLengthField), settings_.deepest_json);
    body = Bytes();
    EvaluationQueue::Admission admission;
    admission.admit = [this, holder](const QuerySummary& query) {
      if (!holder) return;
      const auto wait = access_.take_inputs(*holder, query.images, Access::Clock::now());
      if (wait.count() > 0) throw HttpRefusal(429, "more inputs than this token is granted a day", wait);
    };
    admission.refund = [this, holder](const QuerySummary& query) {
      if (holder) access_.give_back_inputs(*holder, query.images);
    };
    EvaluationQueue::Answer answer =
        queue_.evaluate(model, std::move(question.query), admission, [&peer] { return peer.gone(); });
    notes.emplace_back("inputs", std::to_string(answer.query.images));
    notes.emplace_back("key", to_hex(answer.query.key).substr(0, kShownOfKey));
    return infer_reply(question, {model->name, model->version, model->id}, std::move(answer.reply));
  }

  void record(const HttpExchange& exchange) {
    const HttpRequest& request = exchange.request;
    const Route route = request.target.empty() ? Route{} : route_of(request.target);
    if (exchange.status != 0) {
      metrics_.count_request(name_of(route.kind), exchange.status, exchange.seconds, exchange.bytes_in,
                             exchange.bytes_out);
      if (exchange.status >= 400) metrics_.count_error(kind_of(exchange.status));
      if (exchange.status == kClientGone) metrics_.count_cancelled();
    } else {
      metrics_.count_error("connection");
    }
    const bool probe =
        route.kind == RouteKind::live || route.kind == RouteKind::ready || route.kind == RouteKind::metrics;
    if (probe && exchange.status < 400) return;
    EventLog::Fields fields{{"remote", request.remote}};
    if (!request.method.empty()) {
      fields.emplace_back("method", request.method);
      // The path only: what stands in a query could be anything.
      fields.emplace_back("path",
                          request.target.substr(0, std::min(request.target.find('?'), kShownOfTarget)));
    }
    if (exchange.status != 0) {
      fields.emplace_back("status", std::int64_t{exchange.status});
      fields.emplace_back("bytes_in", static_cast<std::int64_t>(exchange.bytes_in));
      fields.emplace_back("bytes_out", static_cast<std::int64_t>(exchange.bytes_out));
      fields.emplace_back("ms", std::round(1e5 * exchange.seconds) / 100);
    }
    for (const auto& [name, value] : exchange.notes) fields.emplace_back(name, value);
    if (!exchange.problem.empty()) fields.emplace_back("problem", exchange.problem);
    log_.write(request.method.empty() ? "connection" : "request", fields);
  }

  ServiceSettings settings_;
  EventLog& log_;
  ModelCatalogue models_;
  Access access_;
  mutable std::mutex tls_mutex_;
  std::shared_ptr<boost::asio::ssl::context> tls_;
  ServiceMetrics metrics_;
  std::atomic<bool> draining_ = false;
  EvaluationQueue queue_;
  HttpServer http_;  // last: its threads use all of the others
};

InferenceService::InferenceService(const ServiceSettings& settings, const Backend& backend, EventLog& log)
    : state_(std::make_unique<State>(settings, backend, log)) {}
InferenceService::~InferenceService() = default;

std::string InferenceService::url() const { return state_->url(); }
void InferenceService::reload(Reload what) { state_->reload(what); }
void InferenceService::drain(std::chrono::milliseconds patience) { state_->drain(patience); }

}  // namespace opaline
