// classify / bits / variant: the whole round trip of shipped sample digits through the shipped model in one
// process, on all cores. Every answer is compared with the exact integers in the clear.
// answer, answer_new / bits / variant: what a server does for queries of one image of different clients.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "gmp_paillier.h"
#include "opaline/base/file.h"
#include "opaline/base/parallel.h"
#include "opaline/inference/client.h"
#include "opaline/inference/planner.h"
#include "opaline/inference/server.h"
#include "opaline/inference/spec_certificate.h"
#include "opaline/model/data/dataset.h"

namespace {

using namespace opaline;
using Clock = std::chrono::steady_clock;
using Answers = std::vector<std::vector<std::int64_t>>;

constexpr double kLinkMbps = 50;
constexpr std::size_t kFewBytesUp = 8000;
constexpr std::size_t kBatch = 10000;  // as many as MNIST has test images

/// Layouts of different shape on which predictions are compared with measurements: as many images side by
/// side as fit and there are.
struct PlannedLayout {
  LayoutShape layout;
  std::size_t images;
};
constexpr PlannedLayout kPlannedLayouts[] = {
    {{1, 1, 1, 1, 0}, 1},   {{1, 1, 1, 1, 0}, 1000}, {{1, 5, 5, 1, 0}, 100}, {{14, 2, 2, 1, 0}, 1},
    {{14, 2, 2, 1, 0}, 32}, {{12, 2, 1, 1, 0}, 1},   {{18, 1, 1, 1, 0}, 1},  {{8, 5, 5, 1, 0}, 1},
    {{5, 10, 10, 1, 0}, 1}, {{4, 1, 1, 1, 0}, 40}};

const std::filesystem::path kDemo = OPALINE_DEMO_FOLDER;

CompiledModel shipped_model(const char* name) {
  const std::filesystem::path path = kDemo / name;
  return CompiledModel::parse(read_file(path, std::size_t{1} << 30), path.string());
}

CompiledModel sending_all(const CompiledModel& model) {
  ClientSpec spec = model.client_spec();
  spec.unused.clear();
  return {spec, {model.weights().begin(), model.weights().end()}, {model.bias().begin(), model.bias().end()}};
}

/// The shipped models and samples, and keys made when first asked for.
struct Workbench {
  Workbench()
      : server(shipped_model("digits.server")),
        server_of_all(sending_all(server.model())),
        server_of_features(shipped_model("digits-gradients.server")),
        images(read_idx_images(kDemo / "digits-images-idx3-ubyte.gz")) {}

  static Workbench& shared() {
    static Workbench workbench;
    return workbench;
  }

  const ClientSpec& spec() const { return server.model().client_spec(); }

  const SecretKey& key(std::size_t bits) {
    const auto found = keys.find(bits);
    return found != keys.end() ? found->second : keys.emplace(bits, SecretKey::generate(bits)).first->second;
  }

  /// Sample i of as many as one likes, taking them round and round.
  std::span<const std::uint8_t> sample(std::size_t i) const { return images[i % images.count]; }

  /// The exact integers of the first `count`.
  Answers expected(const CompiledModel& model, std::size_t count) const {
    Answers answers;
    for (std::size_t i = 0; i < count; ++i) {
      answers.push_back(model.predict(model.client_spec().encode_pixels(sample(i))));
    }
    return answers;
  }

  Server server;
  Server server_of_all;       ///< the same model for clients that send all 784 pixels
  Server server_of_features;  ///< of the 128 gradient features
  ImageSet images;
  std::map<std::size_t, SecretKey> keys;
};

/// Seconds and bytes of the phases, summed over the iterations.
class Phases {
 public:
  void encrypted(std::size_t bytes) { lap(encrypt_, up_, bytes); }
  void evaluated(std::size_t bytes) { lap(evaluate_, down_, bytes); }
  void decrypted() {
    double none = 0;
    lap(decrypt_, none, 0);
  }
  void start() { last_ = Clock::now(); }

  void report(benchmark::State& state, std::size_t images) const {
    const auto iterations = static_cast<double>(state.iterations());
    state.counters["bytes_up"] = up_ / iterations;
    state.counters["bytes_down"] = down_ / iterations;
    state.counters["encrypt_ms"] = 1e3 * encrypt_ / iterations;
    state.counters["evaluate_ms"] = 1e3 * evaluate_ / iterations;
    state.counters["decrypt_ms"] = 1e3 * decrypt_ / iterations;
    state.counters["images"] = static_cast<double>(images);
    state.SetItemsProcessed(static_cast<std::int64_t>(images) * state.iterations());
  }

 private:
  void lap(double& seconds, double& bytes, std::size_t more) {
    const Clock::time_point now = Clock::now();
    seconds += std::chrono::duration<double>(now - last_).count();
    bytes += static_cast<double>(more);
    last_ = now;
  }

  double encrypt_ = 0;
  double evaluate_ = 0;
  double decrypt_ = 0;
  double up_ = 0;
  double down_ = 0;
  Clock::time_point last_;
};

void check(const Answers& answers, const Answers& expected) {
  if (answers != expected) throw std::logic_error("a decrypted answer differs from the exact one");
}

/// Encrypting includes what the client does to an image before: encoding, and computing its features.
void classify(benchmark::State& state, std::size_t bits, const Server& server, const LayoutShape& layout,
              std::size_t images) {
  Workbench& w = Workbench::shared();
  const SecretKey& key = w.key(bits);
  const ClientSpec& spec = server.model().client_spec();
  const QueryEncryptor encryptor(spec, Encryptor(key));
  const ReplyDecryptor decryptor(spec, Decryptor(key));
  const Answers expected = w.expected(server.model(), images);
  Phases phases;
  for (auto _ : state) {
    phases.start();
    const QueryHeader header = encryptor.header(images, layout);
    Bytes query = to_frame(header);
    encryptor.encrypt(
        header, 0, encoding_ahead(images, [&](std::size_t i) { return spec.encode_pixels(w.sample(i)); }),
        [&](ByteView frame) { query.insert(query.end(), frame.begin(), frame.end()); }, [](std::size_t) {});
    phases.encrypted(query.size());
    const Bytes reply = server.answer(query);
    phases.evaluated(reply.size());
    const Answers answers = decryptor.decrypt(reply);
    phases.decrypted();
    check(answers, expected);
  }
  phases.report(state, images);
}

/// What a client would choose a layout for.
struct Choice {
  Objective objective;
  std::size_t images;
  double link_mbps;
};

constexpr Choice kOne = {Objective::latency, 1, kLinkMbps};
constexpr Choice kMany = {Objective::throughput, kBatch, kLinkMbps};

void classify_as_chosen(benchmark::State& state, std::size_t bits, const Server& server,
                        const Choice& choice) {
  const SecretKey& key = Workbench::shared().key(bits);
  const Planner planner(server.model().client_spec(), bits, MachineSpeed::measure(Encryptor(key)));
  const Plan plan = planner.choose(choice.objective, choice.images, choice.link_mbps);
  classify(state, bits, server, plan.layout, choice.images);
}

/// One image in few bytes: the fastest layout of those that send at most kFewBytesUp.
void classify_in_few_bytes(benchmark::State& state, std::size_t bits, const Server& server) {
  const SecretKey& key = Workbench::shared().key(bits);
  const Planner planner(server.model().client_spec(), bits, MachineSpeed::measure(Encryptor(key)));
  std::vector<Plan> plans = planner.candidates(1);
  std::erase_if(plans, [](const Plan& plan) { return plan.bytes_up > kFewBytesUp; });
  const auto best = std::min_element(plans.begin(), plans.end(), [](const Plan& a, const Plan& b) {
    return a.total_seconds(kLinkMbps) < b.total_seconds(kLinkMbps);
  });
  classify(state, bits, server, best->layout, 1);
}

/// A layout's prediction beside what it takes: the counter predicted_to_measured is 1 where they agree.
void predict_layout(benchmark::State& state, std::size_t bits, LayoutShape layout, std::size_t images) {
  Workbench& w = Workbench::shared();
  const Certificate certificate = certificate_of(w.spec());
  layout.slot_bits = SlotLayout::slot_bits(layout, certificate);
  layout.images = std::min(images, SlotLayout::most_images(layout, certificate, bits));
  const Planner planner(w.spec(), bits, MachineSpeed::measure(Encryptor(w.key(bits))));
  const Plan plan = planner.predict(layout, images);
  classify(state, bits, w.server, layout, images);
  const double measured =
      (state.counters["encrypt_ms"] + state.counters["evaluate_ms"] + state.counters["decrypt_ms"]) / 1e3;
  state.counters["predicted_ms"] = 1e3 * plan.compute_seconds();
  state.counters["measured_ms"] = 1e3 * measured;
  state.counters["predicted_to_measured"] = plan.compute_seconds() / measured;
}

/// Queries of one image each under keys of their own, in the layout chosen for latency.
class Clients {
 public:
  static constexpr std::size_t kTogether = 8;
  static constexpr std::size_t kSets = 3;  ///< more keys than a server remembers

  static const Clients& shared(std::size_t bits) {
    static std::map<std::size_t, Clients> all;
    const auto found = all.find(bits);
    return found != all.end() ? found->second : all.emplace(bits, Clients(bits)).first->second;
  }

  std::vector<ByteView> queries(std::size_t set) const {
    return {queries_.begin() + static_cast<std::ptrdiff_t>(set * kTogether),
            queries_.begin() + static_cast<std::ptrdiff_t>((set + 1) * kTogether)};
  }

  void check_replies(std::size_t set, const std::vector<Bytes>& replies) const {
    const Workbench& w = Workbench::shared();
    for (std::size_t i = 0; i < kTogether; ++i) {
      const ReplyDecryptor decryptor(spec(), Decryptor(keys_[set * kTogether + i]));
      check(decryptor.decrypt(replies[i]), w.expected(w.server_of_features.model(), 1));
    }
  }

 private:
  explicit Clients(std::size_t bits) {
    for (std::size_t i = 0; i < kSets * kTogether; ++i) keys_.push_back(SecretKey::generate(bits));
    const Planner planner(spec(), bits, MachineSpeed::measure(Encryptor(keys_.front())));
    const LayoutShape layout = planner.choose(Objective::latency, 1, kLinkMbps).layout;
    const EncodedInput input = spec().encode_pixels(Workbench::shared().sample(0));
    for (const SecretKey& key : keys_) {
      queries_.push_back(QueryEncryptor(spec(), Encryptor(key)).encrypt({input}, layout));
    }
  }

  static const ClientSpec& spec() { return Workbench::shared().server_of_features.model().client_spec(); }

  std::vector<SecretKey> keys_;
  std::vector<Bytes> queries_;
};

/// One set of clients over and over, whose keys the server remembers, or set after set, so that each is as
/// new to it; their queries one after the other or together.
enum class Order { one_by_one, together };
void answer_clients(benchmark::State& state, std::size_t bits, Order order, std::size_t sets) {
  const Clients& clients = Clients::shared(bits);
  const Server server(shipped_model("digits-gradients.server"));
  const auto answer = [&](std::size_t set) {
    std::vector<Bytes> replies;
    if (order == Order::together) {
      for (Outcome<Bytes>& reply : server.answer_together(clients.queries(set))) {
        replies.push_back(std::move(reply.value()));
      }
    } else {
      for (const ByteView query : clients.queries(set)) replies.push_back(server.answer(query));
    }
    return replies;
  };
  for (std::size_t set = 0; set < sets; ++set) answer(set);
  std::size_t set = 0;
  for (auto _ : state) {
    const std::vector<Bytes> replies = answer(set);
    state.PauseTiming();
    clients.check_replies(set, replies);
    set = (set + 1) % sets;
    state.ResumeTiming();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(Clients::kTogether) * state.iterations());
}

void classify_naive(benchmark::State& state, std::size_t bits) {
  Workbench& w = Workbench::shared();
  const bench::GmpPaillier paillier(w.key(bits));
  const CompiledModel& model = w.server.model();
  const EncodedInput input = w.spec().encode_pixels(w.sample(0));
  const Answers expected = w.expected(model, 1);
  Phases phases;
  for (auto _ : state) {
    phases.start();
    std::vector<Integer> query(input.size());
    parallel_for(query.size(), [&](std::size_t j) { query[j] = paillier.encrypt(input[j]); });
    phases.encrypted(query.size() * bits / 4);
    const std::vector<Integer> reply = paillier.affine(model.weights(), model.bias(), query);
    phases.evaluated(reply.size() * bits / 4);
    Answers answers(1, std::vector<std::int64_t>(reply.size()));
    parallel_for(reply.size(), [&](std::size_t k) {
      answers[0][k] = paillier.decrypt(reply[k]).convert_to<std::int64_t>();
    });
    phases.decrypted();
    check(answers, expected);
  }
  phases.report(state, 1);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  for (const std::size_t bits : {std::size_t{2048}, std::size_t{3072}}) {
    const std::string prefix = "classify/" + std::to_string(bits) + "/";
    const auto add = [&](const char* variant, auto function) {
      benchmark::RegisterBenchmark((prefix + variant).c_str(), function)
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
    };
    add("naive", [bits](benchmark::State& s) { classify_naive(s, bits); });
    add("plain", [bits](benchmark::State& s) {
      const Workbench& w = Workbench::shared();
      const ClientSpec& spec = w.server_of_all.model().client_spec();
      classify(s, bits, w.server_of_all, SlotLayout::plain(certificate_of(spec), bits).shape(), 1);
    });
    add("digit",
        [bits](benchmark::State& s) { classify_as_chosen(s, bits, Workbench::shared().server, kOne); });
    add("batch",
        [bits](benchmark::State& s) { classify_as_chosen(s, bits, Workbench::shared().server, kMany); });
    add("features", [bits](benchmark::State& s) {
      classify_in_few_bytes(s, bits, Workbench::shared().server_of_features);
    });
    add("features_batch", [bits](benchmark::State& s) {
      classify_as_chosen(s, bits, Workbench::shared().server_of_features, kMany);
    });
    const auto add_answer = [&](const char* operation, const char* variant, Order order, std::size_t sets) {
      benchmark::RegisterBenchmark(
          (operation + ("/" + std::to_string(bits)) + "/" + variant).c_str(),
          [bits, order, sets](benchmark::State& s) { answer_clients(s, bits, order, sets); })
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
    };
    add_answer("answer", "alone", Order::one_by_one, 1);
    add_answer("answer", "together", Order::together, 1);
    add_answer("answer_new", "alone", Order::one_by_one, Clients::kSets);
    add_answer("answer_new", "together", Order::together, Clients::kSets);
    for (const PlannedLayout& planned : kPlannedLayouts) {
      const LayoutShape& layout = planned.layout;
      const std::string name = "plan/" + std::to_string(bits) + "/t" + std::to_string(layout.features) +
                               "_o" + std::to_string(layout.outputs) + "_m" +
                               std::to_string(layout.outputs_a_slot) + "_images" +
                               std::to_string(planned.images);
      benchmark::RegisterBenchmark(
          name.c_str(),
          [bits, planned](benchmark::State& s) { predict_layout(s, bits, planned.layout, planned.images); })
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
    }
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
