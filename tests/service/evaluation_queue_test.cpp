#include "opaline/service/evaluation_queue.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <chrono>
#include <future>
#include <optional>
#include <stdexcept>
#include <thread>

#include "inference/parties.h"
#include "opaline/service/http.h"
#include "support/error_kind.h"

using namespace opaline;
using namespace opaline::test;
using namespace std::chrono_literals;

namespace {

std::shared_ptr<const ServedModel> served(CompiledModel model) {
  Bytes spec = model.client_spec().serialise();
  return std::make_shared<const ServedModel>(
      ServedModel{"m", "v", to_hex(model.client_spec().model_id), std::move(spec), Server(std::move(model))});
}

void ignore(const ServedModel& /*model*/, const QuerySummary& /*query*/, double /*seconds*/) {}
const EvaluationQueue::Admission admit_all;
bool stays() { return false; }

Bytes query_of(const CompiledModel& model, const SecretKey& key, const std::vector<EncodedInput>& inputs,
               Packing packing = Packing::plain) {
  const QueryEncryptor encryptor = encryptor_for(model.client_spec(), key);
  return encryptor.encrypt(inputs, layout_for(model.client_spec(), packing, inputs.size()));
}

// A worker that is kept busy until told to go on.
class Plug {
 public:
  EvaluationQueue::Admission admission() {
    EvaluationQueue::Admission admission;
    admission.admit = [this](const QuerySummary& /*query*/) {
      ++entered;
      while (!open) std::this_thread::sleep_for(1ms);
      throw std::runtime_error("was a plug");
    };
    return admission;
  }
  std::atomic<int> entered = 0;
  std::atomic<bool> open = false;
};

std::optional<unsigned> refusal_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const HttpRefusal& refusal) {
    return refusal.status();
  }
  return std::nullopt;
}

}  // namespace

TEST_CASE("Queries of many clients at once are all answered right", "[queue]") {
  const CompiledModel model = small_model();
  const auto shared = served(small_model());
  std::atomic<std::size_t> observed = 0;
  EvaluationQueue queue({2, 64, {}},
                        [&](const ServedModel& /*model*/, const QuerySummary& query, double seconds) {
                          observed += query.images;
                          if (!(seconds >= 0)) observed += 1000;
                        });
  const auto inputs = make_inputs(model.client_spec(), 3);
  const auto expected = predict(model, inputs);
  std::vector<std::thread> clients;
  std::atomic<int> wrong = 0;
  for (int client = 0; client < 8; ++client) {
    clients.emplace_back([&, client] {
      const SecretKey& key = client % 2 == 0 ? alice() : bob();
      const Packing packing = kPackings[client % 4];
      for (int i = 0; i < 5; ++i) {
        const Bytes reply =
            queue.evaluate(shared, query_of(model, key, inputs, packing), admit_all, stays).reply;
        if (decryptor_for(model.client_spec(), key).decrypt(reply) != expected) ++wrong;
      }
    });
  }
  for (std::thread& client : clients) client.join();
  CHECK(wrong == 0);
  CHECK(observed == 8 * 5 * 3);
  CHECK(queue.queued() == 0);
  CHECK(queue.workers() == 2);
}

TEST_CASE("A bad query among good ones fails alone", "[queue]") {
  const CompiledModel model = tiny_model();
  const auto shared = served(tiny_model());
  EvaluationQueue queue({1, 64, {}}, ignore);
  const auto inputs = make_inputs(model.client_spec(), 1);
  Plug plug;
  auto holder = std::async(std::launch::async, [&] {
    return queue.evaluate(shared, query_of(model, alice(), inputs), plug.admission(), stays);
  });
  while (plug.entered == 0) std::this_thread::sleep_for(1ms);
  std::vector<std::thread> clients;
  std::atomic<int> right = 0;
  std::atomic<int> refused = 0;
  for (int client = 0; client < 6; ++client) {
    clients.emplace_back([&, client] {
      Bytes query = query_of(model, alice(), inputs);
      if (client % 3 == 0) query.back() ^= 1;
      const auto kind = kind_of([&] {
        const Bytes reply = queue.evaluate(shared, std::move(query), admit_all, stays).reply;
        if (decryptor_for(model.client_spec(), alice()).decrypt(reply) == predict(model, inputs)) ++right;
      });
      if (kind == ErrorKind::damaged) ++refused;
    });
  }
  while (queue.queued() < 6) std::this_thread::sleep_for(1ms);
  plug.open = true;
  for (std::thread& client : clients) client.join();
  CHECK_THROWS(holder.get());
  CHECK(right == 4);
  CHECK(refused == 2);
}

TEST_CASE("A full queue says so at once, and a client that has gone leaves it", "[queue]") {
  const CompiledModel model = tiny_model();
  const auto shared = served(tiny_model());
  EvaluationQueue queue({1, 2, {}}, ignore);
  const auto inputs = make_inputs(model.client_spec(), 1);
  const Bytes query = query_of(model, alice(), inputs);
  Plug plug;
  auto holder =
      std::async(std::launch::async, [&] { return queue.evaluate(shared, query, plug.admission(), stays); });
  while (plug.entered == 0) std::this_thread::sleep_for(1ms);
  std::atomic<bool> gone = false;
  std::atomic<int> left = 0;
  std::atomic<int> admitted = 0;
  std::vector<std::thread> waiting;
  for (int i = 0; i < 2; ++i) {
    waiting.emplace_back([&] {
      const auto status = refusal_of([&] {
        EvaluationQueue::Admission counted;
        counted.admit = [&](const QuerySummary& /*query*/) { ++admitted; };
        queue.evaluate(shared, query, counted, [&] { return gone.load(); });
      });
      if (status == 499U) ++left;
    });
  }
  while (queue.queued() < 2) std::this_thread::sleep_for(1ms);
  CHECK(refusal_of([&] { queue.evaluate(shared, query, admit_all, stays); }) == 503U);
  CHECK(queue.working() == 1);
  gone = true;
  for (std::thread& client : waiting) client.join();
  CHECK(left == 2);
  CHECK(queue.queued() == 0);
  plug.open = true;
  CHECK_THROWS(holder.get());
  CHECK(decryptor_for(model.client_spec(), alice())
            .decrypt(queue.evaluate(shared, query, admit_all, stays).reply) == predict(model, inputs));
  CHECK(admitted == 0);  // nobody worked for who had gone
}

TEST_CASE("Limits are looked at before anything is evaluated", "[queue]") {
  const CompiledModel model = small_model();
  const auto shared = served(small_model());
  const Bytes query = query_of(model, alice(), make_inputs(model.client_spec(), 2));
  QueryLimits few;
  few.most_ciphertexts = 23;
  EvaluationQueue strict({1, 4, few}, ignore);
  CHECK(kind_of([&] { strict.evaluate(shared, query, admit_all, stays); }) == ErrorKind::too_large);
  few.most_ciphertexts = 24;
  EvaluationQueue enough({1, 4, few}, ignore);
  const QuerySummary seen = enough.evaluate(shared, query, admit_all, stays).query;
  CHECK(seen.images == 2);
  CHECK(seen.ciphertexts == 24);
  CHECK(seen.key == alice().public_key().fingerprint());
  QueryLimits small;
  small.largest_key_bits = alice().public_key().bits() - 1;
  EvaluationQueue keys({1, 4, small}, ignore);
  CHECK(kind_of([&] { keys.evaluate(shared, query, admit_all, stays); }) == ErrorKind::too_large);
}

TEST_CASE("What was admitted and not answered is given back", "[queue]") {
  const CompiledModel model = tiny_model();
  const auto shared = served(tiny_model());
  EvaluationQueue queue({1, 4, {}}, ignore);
  std::size_t admitted = 0;
  std::size_t refunded = 0;
  EvaluationQueue::Admission counted;
  counted.admit = [&](const QuerySummary& query) { admitted += query.images; };
  counted.refund = [&](const QuerySummary& query) { refunded += query.images; };
  Bytes query = query_of(model, alice(), make_inputs(model.client_spec(), 2));
  queue.evaluate(shared, query, counted, stays);
  CHECK(admitted == 2);
  CHECK(refunded == 0);
  query.back() ^= 1;  // of the last chunk's checksum
  CHECK(kind_of([&] { queue.evaluate(shared, query, counted, stays); }) == ErrorKind::damaged);
  CHECK(admitted == 4);
  CHECK(refunded == 2);
}

TEST_CASE("A queue that ends finishes what waits", "[queue]") {
  const CompiledModel model = tiny_model();
  const auto shared = served(tiny_model());
  const auto inputs = make_inputs(model.client_spec(), 1);
  const Bytes query = query_of(model, alice(), inputs);
  std::optional<EvaluationQueue> queue;
  queue.emplace(EvaluationQueue::Settings{1, 4, {}}, ignore);
  Plug plug;
  auto holder =
      std::async(std::launch::async, [&] { return queue->evaluate(shared, query, plug.admission(), stays); });
  while (plug.entered == 0) std::this_thread::sleep_for(1ms);
  auto waiting =
      std::async(std::launch::async, [&] { return queue->evaluate(shared, query, admit_all, stays); });
  while (queue->queued() == 0) std::this_thread::sleep_for(1ms);
  plug.open = true;
  CHECK(decryptor_for(model.client_spec(), alice()).decrypt(waiting.get().reply) == predict(model, inputs));
  CHECK_THROWS(holder.get());
  queue.reset();
}
