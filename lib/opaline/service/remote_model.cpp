#include "opaline/service/remote_model.h"

#include <algorithm>
#include <sstream>
#include <thread>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/inference/client.h"
#include "opaline/inference/message.h"
#include "opaline/inference/spec_certificate.h"
#include "opaline/paillier/named_errors.h"
#include "opaline/service/open_inference.h"

namespace opaline {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::uint64_t kReplyJson = std::uint64_t{64} << 10;  // names, versions and shapes around the tensor
constexpr std::size_t kShownOfMessage = 200;

RemoteModelSettings checked(RemoteModelSettings settings) {
  const auto refuse = [](const char* why) { throw Error(ErrorKind::invalid_argument, why); };
  if (settings.model.empty()) refuse("a remote model needs a name");
  if (settings.attempts < 1) refuse("a remote model needs at least one attempt");
  // The token itself is not shown.
  const auto in_word = [](char c) { return c > ' ' && c <= '~'; };
  if (!std::all_of(settings.token.begin(), settings.token.end(), in_word)) {
    refuse("the token is not one word of ASCII characters");
  }
  return settings;
}

Clock::time_point after(milliseconds time) {
  const Clock::time_point now = Clock::now();
  return Clock::time_point::max() - now < time ? Clock::time_point::max() : now + time;
}

// Whether the same request may succeed later.
bool may_pass(unsigned status) {
  return status == 408 || status == 429 || status == 502 || status == 503 || status == 504;
}

std::string cleaned(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, ' ');
  if (text.size() > kShownOfMessage) text = text.substr(0, kShownOfMessage) + "...";
  return text;
}

// "HTTP 503, draining": what the server said, fit to be shown.
std::string words_of(const HttpReply& reply) {
  const std::string message = cleaned(error_message(reply.body));
  return "HTTP " + std::to_string(reply.status) + (message.empty() ? "" : ", " + message);
}

std::string seconds_text(milliseconds time) {
  std::ostringstream text;
  text.precision(1);
  text << std::fixed << static_cast<double>(time.count()) / 1e3 << " s";
  return text.str();
}

// That this is the whole reply to that query, as far as everybody can tell.
void check_reply(ByteView reply, const std::string& name, const QueryHeader& query, const ClientSpec& spec) {
  FrameReader reader(reply, name);
  if (to_frame(read_reply_header(reader)) != to_frame(reply_to(query))) {
    throw Error(ErrorKind::damaged, name + ": the reply belongs to another query");
  }
  const SlotLayout layout(query.layout, certificate_of(spec), query.key.bits());
  const Digest digest = message_digest(reply_to(query));
  const std::size_t bytes = layout.replies() * query.key.ciphertext_bytes();
  for (std::size_t chunk = 0; chunk < query.chunks(); ++chunk) {
    read_chunk(reader, ChunkKind::reply, digest, chunk, bytes);
  }
  reader.expect_end();
}

}  // namespace

RemoteModel::RemoteModel(RemoteModelSettings settings)
    : settings_(checked(std::move(settings))), client_(HttpUrl::parse(settings_.url), settings_.http) {
  HttpCall call;
  call.path = path("/spec");
  call.largest_reply = kClientFileLimit;
  const HttpReply reply = ask(call);
  const std::string name = client_.url().text(call.path);
  spec_ = ClientSpec::parse(reply.body, name);
  if (settings_.model_id && spec_.model_id != *settings_.model_id) {
    throw Error(ErrorKind::wrong_model, name + ": the server's model has changed: pinned " +
                                            to_hex(*settings_.model_id) + ", it has " +
                                            to_hex(spec_.model_id) + "; pin that one if its owner says so");
  }
}

Bytes RemoteModel::infer(ByteView query) {
  FrameReader reader(query, "the query");
  const QueryHeader header = read_query_header(reader);
  if (header.model_id != spec_.model_id) {
    throw Error(ErrorKind::wrong_model, "the query was made for another model than " + settings_.model +
                                            " on " + client_.url().text() + "; encrypt for its client spec");
  }
  InferBody body = infer_body(query, TensorForm::binary);
  HttpCall call;
  call.method = "POST";
  call.path = path("/infer");
  call.fields = std::move(body.fields);
  call.content_type = std::move(body.content_type);
  call.body = body.body;
  // Half as much again, in case the reply comes as base64 in JSON after all.
  const std::uint64_t most = most_reply_bytes(header, spec_);
  call.largest_reply = most + most / 2 + kReplyJson;
  const HttpReply reply = ask(call);

  const std::string name = client_.url().text(call.path);
  InferAnswer answer = with_name(
      name, [&] { return parse_infer_reply(reply.body, field_of(reply.fields, kHeaderLengthField)); });
  if (answer.model.id != to_hex(spec_.model_id)) {
    throw Error(ErrorKind::wrong_model, name + ": the server's model has changed: it answered as " +
                                            cleaned(answer.model.id) + " instead of " +
                                            to_hex(spec_.model_id) + "; fetch its spec and encrypt again");
  }
  check_reply(answer.reply, name, header, spec_);
  return std::move(answer.reply);
}

HttpReply RemoteModel::ask(HttpCall call) {
  if (!settings_.token.empty()) call.fields.emplace_back("Authorization", "Bearer " + settings_.token);
  const Clock::time_point deadline = after(settings_.total_time);
  for (std::size_t attempt = 1;; ++attempt) {
    call.deadline = std::min(deadline, after(settings_.attempt_time));
    std::optional<std::chrono::seconds> retry_after;
    std::string reason;
    try {
      HttpReply reply = client_.call(call);
      if (reply.status == 200) return reply;
      if (!may_pass(reply.status)) throw refusal(call, reply);
      retry_after = parse_retry_after(field_of(reply.fields, "Retry-After"));
      reason = client_.url().text(call.path) + ": the server is busy (" + words_of(reply) + ")";
    } catch (const Error& error) {
      if (error.kind() != ErrorKind::network) throw;
      reason = error.what();
    }
    if (attempt >= settings_.attempts) {
      throw Error(ErrorKind::network, reason + "; gave up after " + std::to_string(attempt) +
                                          (attempt == 1 ? " attempt" : " attempts") + ", try again later");
    }
    const milliseconds wait = settings_.back_off.wait(attempt, retry_after);
    if (after(wait) >= deadline) {
      throw Error(ErrorKind::network, reason + "; the next attempt, in " + seconds_text(wait) +
                                          ", would come after the time limit of " +
                                          seconds_text(settings_.total_time) + ", try again later");
    }
    if (settings_.note) settings_.note({attempt, settings_.attempts, wait, reason});
    std::this_thread::sleep_for(wait);
  }
}

Error RemoteModel::refusal(const HttpCall& call, const HttpReply& reply) const {
  const auto error = [&](ErrorKind kind, const std::string& why) {
    return Error(kind, client_.url().text(call.path) + ": " + why + " (" + words_of(reply) + ")");
  };
  switch (reply.status) {
    case 401:
    case 403:
      return error(ErrorKind::authentication, settings_.token.empty()
                                                  ? "the server asks for a token; give the one you got for it"
                                                  : "the server does not accept the token");
    case 404:
      return error(ErrorKind::invalid_argument,
                   "the server has no model " + settings_.model + "; check its name and the URL");
    case 409:
      return error(ErrorKind::wrong_model,
                   "the server's model has changed; fetch its spec and encrypt again");
    case 413:
      return error(ErrorKind::too_large, "a request of " + std::to_string(call.body.size()) +
                                             " bytes is too large for the server; put fewer inputs into it");
    default:
      break;
  }
  if (reply.status >= 300 && reply.status < 400) {
    return error(ErrorKind::invalid_argument, "the server sends elsewhere, to \"" +
                                                  cleaned(field_of(reply.fields, "Location")) +
                                                  "\"; give that URL if you trust it");
  }
  if (reply.status >= 500) return error(ErrorKind::fault, "the server failed; ask who runs it");
  return error(ErrorKind::damaged,
               "the server does not understand; check that it is an Opaline server of this version");
}

std::string RemoteModel::path(const char* rest) const {
  return "/v2/models/" + path_segment(settings_.model) + rest;
}

}  // namespace opaline
