#include <omp.h>
#include <pthread.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <csignal>
#include <ctime>
#include <iostream>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "commands/command.h"
#include "commands/options.h"
#include "opaline/base/error.h"
#include "opaline/service/inference_service.h"

namespace opaline::tools {
namespace {

constexpr int kMostWorkers = 1024;
constexpr int kLongestQueue = 1'000'000;

struct Options {
  std::vector<std::string> models;
  std::string listen = "127.0.0.1:8080";
  bool allow_plain_http = false;
  double header_seconds = 10;
  double body_seconds = 10;
  double idle_seconds = 60;
  double drain_seconds = 30;
  double watch_seconds = 1;
  std::size_t workers = 0;
  ServiceSettings settings;
};

std::chrono::milliseconds milliseconds(double seconds) {
  return std::chrono::milliseconds(static_cast<std::int64_t>(1000 * seconds));
}

[[noreturn]] void refuse(const std::string& why) { throw CLI::ValidationError(why); }

// HOST:PORT, [HOST]:PORT.
void set_address(const std::string& listen, ServiceSettings& settings) {
  const std::size_t colon = listen.rfind(':');
  std::size_t port = 0;
  if (colon == std::string::npos || !CLI::detail::lexical_cast(listen.substr(colon + 1), port) ||
      port > 65535) {
    refuse("--listen: " + listen + " is not ADDRESS:PORT, such as 127.0.0.1:8080 or [::1]:8080");
  }
  std::string host = listen.substr(0, colon);
  if (host.size() > 1 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  settings.address = host == "localhost" ? "127.0.0.1" : host;
  settings.port = static_cast<std::uint16_t>(port);
}

void set_models(const std::vector<std::string>& texts, ServiceSettings& settings) {
  std::set<std::string> names;
  for (const std::string& text : texts) {
    try {
      settings.models.push_back(parse_model_file(text));
    } catch (const Error& error) {
      refuse(std::string("--model: ") + error.what());
    }
    const std::string& name = settings.models.back().name;
    if (!names.insert(name).second) refuse("--model: two by the name of " + name + "; say NAME=FILE");
  }
}

bool is_loopback(const std::string& address) { return address == "::1" || address.rfind("127.", 0) == 0; }

// Signals come to this thread alone, and when it asks for them.
class Signals {
 public:
  Signals() {
    ::sigemptyset(&set_);
    for (const int signal : {SIGHUP, SIGTERM, SIGINT}) ::sigaddset(&set_, signal);
    ::pthread_sigmask(SIG_BLOCK, &set_, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
  }

  // The next one, or 0 when the time is over.
  int wait(double seconds) const {
    timespec time{};
    time.tv_sec = static_cast<std::time_t>(seconds);
    time.tv_nsec = static_cast<long>(1e9 * (seconds - static_cast<double>(time.tv_sec)));
    const int signal = ::sigtimedwait(&set_, nullptr, &time);
    return signal > 0 ? signal : 0;
  }

 private:
  sigset_t set_{};
};

// One write a line, so that lines of several processes are not mixed either.
void write_line(std::string_view line) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

void run(const Options& options, const Session& session) {
  const Signals signals;
  ServiceSettings settings = options.settings;
  set_address(options.listen, settings);
  set_models(options.models, settings);
  if (settings.tls_certificate.empty() && !is_loopback(settings.address) && !options.allow_plain_http) {
    refuse(
        "without TLS this listens on 127.0.0.1 or ::1 only: give --tls-certificate and --tls-key, or "
        "--allow-plain-http if a proxy in front does TLS");
  }
  settings.http.header_time = milliseconds(options.header_seconds);
  settings.http.grace_time = milliseconds(options.body_seconds);
  settings.http.idle_time = milliseconds(options.idle_seconds);
  settings.workers =
      options.workers > 0 ? options.workers : static_cast<std::size_t>(::omp_get_max_threads());
  settings.version = OPALINE_VERSION;

  EventLog log(write_line);
  InferenceService service(settings, session.backend, log);
  std::cout << "listening on " << service.url() << std::endl;
  while (true) {
    const int signal = signals.wait(options.watch_seconds);
    if (signal == SIGTERM || signal == SIGINT) break;
    service.reload(signal == SIGHUP ? InferenceService::Reload::everything
                                    : InferenceService::Reload::changed_models);
  }
  log.write("draining", {});
  service.drain(milliseconds(options.drain_seconds));
  log.write("stopped", {});
}

void add_limits(CLI::App& command, Options& options) {
  HttpLimits& http = options.settings.http;
  QueryLimits& query = options.settings.query;
  const auto add = [&](const char* name, auto& value, const char* description) {
    return command.add_option(name, value, description)->group("Limits")->check(CLI::PositiveNumber);
  };
  add("--max-connections", http.connections,
      "Connections at once, a thread each; where they are used up, the one idle longest makes room");
  add("--max-requests-per-connection", http.requests_a_connection, "After these a connection is closed");
  add("--max-header", http.header_bytes, "Bytes of a request's head");
  add("--max-body", http.body_bytes, "Bytes of a request's body");
  add("--max-bodies", http.bodies_bytes, "Bytes of all bodies that are read or worked on at once");
  add("--max-ciphertexts", query.most_ciphertexts, "Ciphertexts of a query");
  add("--max-key-bits", query.largest_key_bits, "Bits of a query's key");
  add("--max-json-depth", options.settings.deepest_json, "Nesting of a body's JSON");
  add("--header-timeout", options.header_seconds, "Seconds from a request's first byte to its head's last");
  add("--body-timeout", options.body_seconds, "Seconds for a body or a reply, beside what --min-rate gives");
  add("--min-rate", http.lowest_rate, "Bytes a second that a body has to come with, and a reply to go with");
  add("--idle-timeout", options.idle_seconds, "Seconds between two requests of a connection");
  command.add_option("--queue", options.settings.waiting, "Queries that wait for a worker; more get 503")
      ->group("Limits")
      ->check(CLI::Range(0, kLongestQueue));
  command
      .add_option("--workers", options.workers,
                  "Queries that are evaluated at once; default: one a thread. A single one gets all threads")
      ->group("Limits")
      ->check(CLI::Range(1, kMostWorkers));
  add("--max-keys", options.settings.keys_a_model,
      "Public keys a model whose arithmetic and left-over noise are kept ready");
}

}  // namespace

Action define_serve(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  ServiceSettings& settings = options->settings;
  command
      .add_option("--model", options->models,
                  "A compiled model, NAME.server or NAME=FILE.server; as often as there are models. Each is "
                  "read again when its file changes, or on SIGHUP; a file that is no model changes nothing")
      ->required()
      ->type_name("FILE")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  command
      .add_option("--listen", options->listen,
                  "Where to listen; port 0 takes any. Without TLS this must be 127.0.0.1 or ::1")
      ->type_name("ADDRESS:PORT");
  CLI::Option* certificate = command
                                 .add_option("--tls-certificate", settings.tls_certificate,
                                             "Certificate chain, PEM; TLS 1.2 and later")
                                 ->type_name("FILE");
  CLI::Option* key = command.add_option("--tls-key", settings.tls_key, "Its key, PEM")->type_name("FILE");
  certificate->needs(key);
  key->needs(certificate);
  command.add_flag("--allow-plain-http", options->allow_plain_http,
                   "Listen on any address without TLS: for behind a proxy that does it");
  command
      .add_option("--token-file", settings.token_file,
                  "Who may ask, one a line: TOKEN [name=NAME] [rate=REQUESTS_A_SECOND] [burst=REQUESTS] "
                  "[quota=INPUTS_A_DAY]; mode 0600. Whoever gets answers to as many inputs as the model "
                  "has, and one more, can work out the whole model: a quota below that is what stops clients "
                  "that keep to the rules. Those that encrypt numbers out of range, which nobody sees, need "
                  "only a few inputs: give tokens to none that must not have the model")
      ->type_name("FILE");
  command.add_flag("--require-key-proof", settings.query.require_key_proof,
                   "Only keys with a proof that they are made as Paillier's have to be (gcd(n, phi(n)) = 1): "
                   "keygen makes it, `opaline key prove` adds it to others. Then no forged key can read more "
                   "from a reply than its answers");
  command
      .add_option("--drain-timeout", options->drain_seconds,
                  "Seconds that requests get to finish after SIGTERM")
      ->check(CLI::NonNegativeNumber);
  command
      .add_option("--watch-interval", options->watch_seconds,
                  "Seconds between two looks at the models' files")
      ->check(CLI::PositiveNumber);
  add_limits(command, *options);
  add_examples(
      command,
      {"opaline serve --model digits.server --listen 127.0.0.1:8080",
       "opaline serve --model a.server --model wine=w2.server --listen 0.0.0.0:8443 --tls-certificate "
       "chain.pem --tls-key key.pem --token-file tokens",
       "curl http://127.0.0.1:8080/v2/models/digits",
       "opaline classify --key alice.key --server http://127.0.0.1:8080 --model digits --images I"});
  return [options](const Session& session) { run(*options, session); };
}

}  // namespace opaline::tools
