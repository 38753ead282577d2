// serve / bits / variant: 8 clients with keys of their own ask a service on this machine for 50 digits each,
// one after the other, over loopback; p50_ms and p99_ms are of their requests. alone / bits / variant: the
// same queries to the evaluator alone, one after the other on all cores. Every reply is compared with the
// exact integers in the clear.

#include <benchmark/benchmark.h>
#include <omp.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "opaline/base/file.h"
#include "opaline/inference/client.h"
#include "opaline/inference/planner.h"
#include "opaline/inference/server.h"
#include "opaline/model/data/dataset.h"
#include "opaline/service/http_client.h"
#include "opaline/service/inference_service.h"
#include "opaline/service/open_inference.h"

namespace {

using namespace opaline;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kClients = 8;
constexpr std::size_t kDigits = 50;
constexpr double kLinkMbps = 50;
const std::filesystem::path kDemo = OPALINE_DEMO_FOLDER;

std::filesystem::path model_file(const std::string& name) { return kDemo / (name + ".server"); }

/// The queries of all clients, made beforehand.
class Clients {
 public:
  static const Clients& shared(const std::string& model, std::size_t bits) {
    static std::map<std::string, Clients> all;
    const std::string name = model + std::to_string(bits);
    const auto found = all.find(name);
    return found != all.end() ? found->second : all.emplace(name, Clients(model, bits)).first->second;
  }

  ByteView query(std::size_t client, std::size_t digit) const { return queries_[client * kDigits + digit]; }

  void check_reply(std::size_t client, std::size_t digit, ByteView reply) const {
    const ReplyDecryptor decryptor(model_.client_spec(), Decryptor(keys_[client]));
    if (decryptor.decrypt(reply).at(0) != model_.predict(inputs_[client * kDigits + digit])) {
      throw std::logic_error("a decrypted answer differs from the exact one");
    }
  }

 private:
  Clients(const std::string& model, std::size_t bits)
      : model_(CompiledModel::parse(read_file(model_file(model), kServerFileLimit), model)) {
    const ImageSet images = read_idx_images(kDemo / "digits-images-idx3-ubyte.gz");
    const ClientSpec& spec = model_.client_spec();
    for (std::size_t client = 0; client < kClients; ++client) {
      keys_.push_back(SecretKey::generate(bits));
      const QueryEncryptor encryptor(spec, Encryptor(keys_.back()));
      if (client == 0) {
        const Planner planner(spec, bits, MachineSpeed::measure(encryptor.encryptor()));
        layout_ = planner.choose(Objective::latency, 1, kLinkMbps).layout;
      }
      for (std::size_t digit = 0; digit < kDigits; ++digit) {
        inputs_.push_back(spec.encode_pixels(images[(client * kDigits + digit) % images.count]));
        queries_.push_back(encryptor.encrypt({inputs_.back()}, layout_));
      }
    }
  }

  CompiledModel model_;
  LayoutShape layout_;
  std::vector<SecretKey> keys_;
  std::vector<EncodedInput> inputs_;
  std::vector<Bytes> queries_;
};

void alone(benchmark::State& state, const std::string& model, std::size_t bits) {
  const Clients& clients = Clients::shared(model, bits);
  const Server server(CompiledModel::parse(read_file(model_file(model), kServerFileLimit), model));
  std::vector<Bytes> replies(kClients * kDigits);
  for (auto _ : state) {
    for (std::size_t i = 0; i < replies.size(); ++i) {
      replies[i] = server.answer(clients.query(i % kClients, i / kClients));
    }
    state.PauseTiming();
    for (std::size_t i = 0; i < replies.size(); ++i)
      clients.check_reply(i % kClients, i / kClients, replies[i]);
    state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(replies.size()) * state.iterations());
}

/// One client's requests, and how long each took.
std::vector<Bytes> ask(const Clients& clients, std::size_t client, const std::string& url,
                       const std::string& model, std::vector<double>& milliseconds) {
  HttpClient http(HttpUrl::parse(url));
  std::vector<Bytes> replies;
  for (std::size_t digit = 0; digit < kDigits; ++digit) {
    const Clock::time_point begun = Clock::now();
    const InferBody body = infer_body(clients.query(client, digit), TensorForm::binary);
    HttpCall call;
    call.method = "POST";
    call.path = "/v2/models/" + model + "/infer";
    call.fields = body.fields;
    call.content_type = body.content_type;
    call.body = body.body;
    const HttpReply reply = http.call(call);
    if (reply.status != 200) throw std::logic_error("the service refused: " + error_message(reply.body));
    replies.push_back(parse_infer_reply(reply.body, field_of(reply.fields, kHeaderLengthField)).reply);
    milliseconds.push_back(std::chrono::duration<double, std::milli>(Clock::now() - begun).count());
  }
  return replies;
}

void serve(benchmark::State& state, const std::string& model, std::size_t bits) {
  const Clients& clients = Clients::shared(model, bits);
  EventLog log([](std::string_view /*line*/) {});
  ServiceSettings settings;
  settings.models = {{model, model_file(model)}};
  settings.workers = static_cast<std::size_t>(omp_get_max_threads());
  const InferenceService service(settings, default_backend(), log);
  std::vector<double> milliseconds;
  for (auto _ : state) {
    std::vector<std::vector<Bytes>> replies(kClients);
    std::vector<std::vector<double>> times(kClients);
    std::vector<std::thread> threads;
    for (std::size_t client = 0; client < kClients; ++client) {
      threads.emplace_back(
          [&, client] { replies[client] = ask(clients, client, service.url(), model, times[client]); });
    }
    for (std::thread& thread : threads) thread.join();
    state.PauseTiming();
    for (std::size_t client = 0; client < kClients; ++client) {
      for (std::size_t digit = 0; digit < kDigits; ++digit) {
        clients.check_reply(client, digit, replies[client][digit]);
      }
      milliseconds.insert(milliseconds.end(), times[client].begin(), times[client].end());
    }
    state.ResumeTiming();
  }
  std::sort(milliseconds.begin(), milliseconds.end());
  state.counters["p50_ms"] = milliseconds[milliseconds.size() / 2];
  state.counters["p99_ms"] = milliseconds[milliseconds.size() * 99 / 100];
  state.SetItemsProcessed(static_cast<std::int64_t>(kClients * kDigits) * state.iterations());
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  const std::pair<const char*, const char*> variants[] = {{"digit", "digits"},
                                                          {"features", "digits-gradients"}};
  for (const std::size_t bits : {std::size_t{2048}, std::size_t{3072}}) {
    for (const auto& [variant, model] : variants) {
      const std::string name = "/" + std::to_string(bits) + "/" + variant;
      const auto add = [&, file = std::string(model)](const std::string& operation, auto function) {
        benchmark::RegisterBenchmark((operation + name).c_str(),
                                     [function, file, bits](benchmark::State& s) { function(s, file, bits); })
            ->UseRealTime()
            ->Unit(benchmark::kMillisecond);
      };
      add("alone", alone);
      add("serve", serve);
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
