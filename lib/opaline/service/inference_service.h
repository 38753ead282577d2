#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "opaline/bigint/backend.h"
#include "opaline/inference/server.h"
#include "opaline/service/event_log.h"
#include "opaline/service/http.h"
#include "opaline/service/model_catalogue.h"

namespace opaline {

struct ServiceSettings {
  std::vector<ModelFile> models;
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;                 ///< 0: any
  std::filesystem::path tls_certificate;  ///< PEM chain; empty: plain HTTP
  std::filesystem::path tls_key;
  std::filesystem::path token_file;  ///< empty: everybody may ask
  HttpLimits http;
  QueryLimits query;
  std::size_t deepest_json = 16;
  std::size_t workers = 1;
  std::size_t waiting = 64;       ///< queries that wait for a worker
  std::size_t keys_a_model = 64;  ///< public keys whose arithmetic and left-over noise are kept
  std::string version;            ///< of the program
};

/// Models served over HTTP(S) by the Open Inference Protocol, with client specs, metrics and logs. Stateless
/// but for what is kept warm: the public key travels with the query.
class InferenceService {
 public:
  /// Reads everything and listens: throws what reading and listening throw.
  InferenceService(const ServiceSettings& settings, const Backend& backend, EventLog& log);
  InferenceService(const InferenceService&) = delete;
  InferenceService& operator=(const InferenceService&) = delete;
  ~InferenceService();

  std::string url() const;  ///< http://127.0.0.1:8080

  /// Reads again what has changed: models only, or everything there is, certificate and tokens too. What
  /// cannot be read leaves what there was, and is logged. Requests go on, but for those whose body is not all
  /// there yet and whose token is gone.
  enum class Reload { changed_models, everything };
  void reload(Reload what);

  /// Says that it is no longer ready, takes no more requests, and lets those there are finish for so long.
  void drain(std::chrono::milliseconds patience);

 private:
  class State;
  std::unique_ptr<State> state_;
};

}  // namespace opaline
