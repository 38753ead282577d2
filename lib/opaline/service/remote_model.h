#pragma once

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "opaline/base/bytes.h"
#include "opaline/base/error.h"
#include "opaline/base/sha256.h"
#include "opaline/model/client_spec.h"
#include "opaline/service/back_off.h"
#include "opaline/service/http_client.h"

namespace opaline {

/// Said before something is tried again.
struct AttemptNote {
  std::size_t attempt = 0;  ///< that failed, from 1 on
  std::size_t attempts = 0;
  std::chrono::milliseconds wait{0};  ///< before the next
  std::string reason;                 ///< one line
};

struct RemoteModelSettings {
  std::string url;                 ///< of the server: "https://host[:port][/prefix]" (http_url.h)
  std::string model;               ///< its name there
  std::string token;               ///< bearer token, or empty; not wiped, never part of an error
  std::optional<Digest> model_id;  ///< the only model to accept
  HttpClientSettings http;
  std::size_t attempts = 5;
  BackOff back_off;
  std::chrono::milliseconds attempt_time{300'000};  ///< for one attempt
  std::chrono::milliseconds total_time{900'000};    ///< for all attempts of one call, and the waits between
  std::function<void(const AttemptNote&)> note = [](const AttemptNote&) {};
};

/// A model behind a server of the Open Inference Protocol: `opaline serve`.
///
/// The server sees what QueryEncryptor writes and learns nothing else. Only what everybody on the way can see
/// decides whether a query is sent again: connections, time, status, and the frames of a reply, all of which
/// are checked here, before anything is decrypted. **Never ask again because a decryption failed**, nor stop
/// asking because of it: a server that sends altered ciphertexts and watches what the client does next would
/// learn of the secret key. Who has several queries collects all replies first and decrypts then.
///
/// Errors open with the URL and say what to do. One thread at a time.
class RemoteModel {
 public:
  /// Fetches the model's client spec. Error(wrong_model) unless it is the one in the settings,
  /// Error(invalid_argument) for settings that make no sense or a model that the server does not have,
  /// Error(authentication) if it wants another token; others as infer() and ClientSpec::parse.
  explicit RemoteModel(RemoteModelSettings settings);

  const ClientSpec& spec() const { return spec_; }

  /// The reply to a query made with spec(). It is the reply to this very query and whole, as far as can be
  /// told without the key.
  ///
  /// Inference is idempotent, so the same query is sent again, after a while, where the connection was
  /// refused or lost, the time was over, or the server was too busy (408, 429, 502, 503, 504; Retry-After is
  /// honoured). Error(network) when attempts or time run out, Error(wrong_model) if the server's model has
  /// changed, Error(too_large) if the server takes no query of this size, Error(damaged) for anything else
  /// that is no reply to the query; others as HttpClient::call and read_query_header.
  Bytes infer(ByteView query);

 private:
  HttpReply ask(HttpCall call);
  Error refusal(const HttpCall& call, const HttpReply& reply) const;
  std::string path(const char* rest) const;

  RemoteModelSettings settings_;
  HttpClient client_;
  ClientSpec spec_;
};

}  // namespace opaline
