// What the planner counts and chooses, for a machine of known speed.

#include "opaline/inference/planner.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "inference/parties.h"
#include "support/error_kind.h"

using namespace opaline;
using namespace opaline::test;

namespace {

/// Two threads of eight lanes, about as fast as processors are.
MachineSpeed speed() {
  MachineSpeed speed;
  speed.lanes = 8;
  speed.narrow_lanes = 4;
  speed.threads = 2;
  speed.product = 4e-6;
  speed.square = 3.2e-6;
  speed.reading = 3e-6;
  speed.encryption = 50e-6;
  speed.decryption = 1.3e-3;
  return speed;
}

/// Of the digits model's proportions.
ClientSpec spec() {
  std::vector<std::int32_t> weights;
  for (std::size_t i = 0; i < 7840; ++i) weights.push_back(static_cast<std::int32_t>(i * 7 % 8) - 4);
  weights[5] = 31;
  return make_model(784, 4, weights, std::vector<std::int64_t>(10, 3)).client_spec();
}

}  // namespace

TEST_CASE("objectives have the names of the command line") {
  for (const char* name : {"auto", "latency", "bandwidth", "throughput", "plain"}) CHECK(objective_of(name));
  for (const char* name : {"", "batch", "Auto", "auto "}) CHECK_FALSE(objective_of(name));
}

TEST_CASE("every candidate is granted, and the chosen one is the best of them by its objective") {
  const ClientSpec model = spec();
  const Planner planner(model, 2048, speed());
  for (const std::size_t images : {std::size_t{1}, std::size_t{7}, std::size_t{1000}}) {
    const std::vector<Plan> plans = planner.candidates(images);
    REQUIRE(plans.size() > 50);
    for (const Plan& plan : plans) {
      CHECK_FALSE(error_of([&] { SlotLayout(plan.layout, certificate_of(model), 2048); }));
      CHECK(plan.images == images);
      CHECK(plan.layout.images <= images);
      CHECK(plan.compute_seconds() > 0);
    }
    const Plan smallest = planner.choose(Objective::bandwidth, images, 50);
    const Plan soonest = planner.choose(Objective::automatic, images, 50);
    for (const Plan& plan : plans) {
      CHECK(plan.bytes_up + plan.bytes_down >= smallest.bytes_up + smallest.bytes_down);
      CHECK(plan.total_seconds(50) >= soonest.total_seconds(50));
    }
  }
}

TEST_CASE("one digit costs dozens of ciphertexts, and many share theirs") {
  const Planner planner(spec(), 2048, speed());
  const Plan digit = planner.choose(Objective::latency, 1, 50);
  CHECK(digit.ciphertexts_up < 784 / 8);
  CHECK(digit.ciphertexts_down <= 10);
  CHECK(digit.layout.features > 1);
  const Plan batch = planner.choose(Objective::throughput, 1000, 50);
  CHECK(batch.layout.features == 1);
  CHECK(batch.bytes_up / 1000 < digit.bytes_up / 4);
  CHECK(batch.compute_seconds() / 1000 < digit.compute_seconds() / 4);
  // A single image leaves no others to share with.
  CHECK(planner.choose(Objective::throughput, 1, 50).layout.images == 1);
  CHECK(planner.choose(Objective::plain, 5, 50).layout ==
        SlotLayout::plain(certificate_of(spec()), 2048).shape());
}

TEST_CASE("a slower link makes smaller messages, a faster one quicker answers") {
  const Planner planner(spec(), 2048, speed());
  const Plan slow = planner.choose(Objective::automatic, 1, 0.1);
  const Plan fast = planner.choose(Objective::automatic, 1, 100000);
  CHECK(slow.bytes_up + slow.bytes_down < fast.bytes_up + fast.bytes_down);
  CHECK(slow.compute_seconds() > fast.compute_seconds());
}

TEST_CASE("predicted bytes are those of the messages, to within a few") {
  const CompiledModel model = small_model();
  const ClientSpec& small = model.client_spec();
  const Planner planner(small, kSmallestKeyBits, speed());
  const QueryEncryptor client = encryptor_for(small, alice());
  const Server server(model);
  for (const Packing packing : kPackings) {
    for (const std::size_t images : {1U, 5U}) {
      const LayoutShape layout = layout_for(small, packing, images);
      const Plan plan = planner.predict(layout, images);
      const Bytes query = client.encrypt(make_inputs(small, images), layout);
      const Bytes reply = server.answer(query);
      CAPTURE(static_cast<int>(packing), images);
      CHECK(std::abs(static_cast<double>(plan.bytes_up) - static_cast<double>(query.size())) < 40);
      CHECK(std::abs(static_cast<double>(plan.bytes_down) - static_cast<double>(reply.size())) < 40);
    }
  }
}

TEST_CASE("layouts that are not safe are not predicted, and models that do not fit not planned for") {
  const Planner planner(spec(), 2048, speed());
  CHECK(kind_of([&] { planner.predict({1, 1, 1, 1, 3}, 1); }) == ErrorKind::does_not_fit);
  CHECK(kind_of([&] { planner.predict({400, 1, 1, 1, 60}, 1); }) == ErrorKind::does_not_fit);
  const Planner tiny(spec(), 32, speed());
  CHECK(kind_of([&] { tiny.choose(Objective::automatic, 1, 50); }) == ErrorKind::does_not_fit);
  CHECK(kind_of([&] { tiny.choose(Objective::plain, 1, 50); }) == ErrorKind::does_not_fit);
}

TEST_CASE("measuring gives a speed for every operation, and a plan that works here") {
  const CompiledModel model = small_model();
  const ClientSpec& small = model.client_spec();
  const QueryEncryptor client = encryptor_for(small, alice());
  const MachineSpeed measured = MachineSpeed::measure(client.encryptor());
  for (const double seconds :
       {measured.product, measured.square, measured.reading, measured.encryption, measured.decryption}) {
    CHECK(seconds > 0);
    CHECK(seconds < 1);
  }
  CHECK(measured.lanes == default_backend().lanes());
  const Planner planner(small, kSmallestKeyBits, measured);
  for (const Objective objective : {Objective::automatic, Objective::latency, Objective::bandwidth,
                                    Objective::throughput, Objective::plain}) {
    const auto inputs = make_inputs(small, 9);
    const Bytes query = client.encrypt(inputs, planner.choose(objective, 9, 50).layout);
    CHECK(decryptor_for(small, alice()).decrypt(Server(model).answer(query)) == predict(model, inputs));
  }
}
