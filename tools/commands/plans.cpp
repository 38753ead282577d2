#include "commands/plans.h"

#include <CLI/CLI.hpp>
#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "commands/stopwatch.h"
#include "opaline/base/error.h"
#include "opaline/inference/server.h"

namespace opaline::tools {
namespace {

using Json = nlohmann::ordered_json;

// Microseconds are as fine as it gets.
double milliseconds(double seconds) { return std::round(1e6 * seconds) / 1e3; }

}  // namespace

void add_layout_option(CLI::App& command, PlanOptions& options) {
  command
      .add_option(
          "--layout", options.layout,
          "How numbers share ciphertexts. auto: fewest seconds for all images, the link's included; "
          "latency: fewest for one at a time; bandwidth: fewest bytes; throughput: least computing an "
          "image, where there are many; plain: one number a ciphertext")
      ->check(CLI::IsMember({"auto", "latency", "bandwidth", "throughput", "plain"}))
      ->capture_default_str();
}

void add_link_option(CLI::App& command, PlanOptions& options) {
  command.add_option("--link-mbps", options.link_mbps, "Speed of the link to the server, megabits a second")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
}

Plan make_plan(const PlanOptions& options, const QueryEncryptor& encryptor, std::size_t images,
               const Backend& backend) {
  const Objective objective = objective_of(options.layout).value();
  const MachineSpeed speed =
      objective == Objective::plain ? MachineSpeed{} : MachineSpeed::measure(encryptor.encryptor(), backend);
  const PublicKey& key = encryptor.encryptor().public_key();
  Plan plan = Planner(encryptor.spec(), key.bits(), speed).choose(objective, images, options.link_mbps);
  if (key.proof() != nullptr) plan.bytes_up += key.proof()->roots.size();
  return plan;
}

Json layout_fields(const LayoutShape& layout) {
  return {{"features_a_ciphertext", layout.features},
          {"outputs_a_reply", layout.outputs},
          {"outputs_a_slot", layout.outputs_a_slot},
          {"images_side_by_side", layout.images},
          {"slot_bits", layout.slot_bits}};
}

Json describe_plan(const Plan& plan, double link_mbps) {
  Json fields = layout_fields(plan.layout);
  fields["ciphertexts_up"] = plan.ciphertexts_up;
  fields["ciphertexts_down"] = plan.ciphertexts_down;
  fields["bytes_up"] = plan.bytes_up;
  fields["bytes_down"] = plan.bytes_down;
  fields["encrypt_ms"] = milliseconds(plan.encrypt_seconds);
  fields["evaluate_ms"] = milliseconds(plan.evaluate_seconds);
  fields["decrypt_ms"] = milliseconds(plan.decrypt_seconds);
  fields["link_ms"] = milliseconds(plan.total_seconds(link_mbps) - plan.compute_seconds());
  return fields;
}

Json run_plan(const Plan& plan, CompiledModel model, const SecretKey& key, const Session& session) {
  const ClientSpec spec = model.client_spec();
  const Server server(std::move(model), session.backend);
  const QueryEncryptor encryptor(spec, Encryptor(key, session.backend));
  const ReplyDecryptor decryptor(spec, Decryptor(key, session.backend));
  std::vector<EncodedInput> inputs(plan.images);
  std::vector<std::vector<std::int64_t>> expected;
  for (EncodedInput& input : inputs) {
    for (std::size_t j = 0; j < spec.inputs; ++j) {
      input.push_back(static_cast<std::int64_t>(random_below(spec.encoding.maximum() + 1)));
    }
    expected.push_back(server.model().predict(input));
  }
  // Once before, so that the key's and the layout's one-time work is done, as it is for later queries.
  static_cast<void>(server.answer(encryptor.encrypt({inputs.front()}, plan.layout)));
  const Stopwatch encrypt_time;
  const Bytes query = encryptor.encrypt(inputs, plan.layout);
  const double encrypted = encrypt_time.seconds();
  const Stopwatch evaluate_time;
  const Bytes reply = server.answer(query);
  const double evaluated = evaluate_time.seconds();
  const Stopwatch decrypt_time;
  const auto answers = decryptor.decrypt(reply);
  const double decrypted = decrypt_time.seconds();
  if (answers != expected) {
    throw Error(ErrorKind::fault, "the encrypted calculation gave other integers than the one in the clear");
  }
  return {{"bytes_up_measured", query.size()},
          {"bytes_down_measured", reply.size()},
          {"encrypt_ms_measured", milliseconds(encrypted)},
          {"evaluate_ms_measured", milliseconds(evaluated)},
          {"decrypt_ms_measured", milliseconds(decrypted)}};
}

}  // namespace opaline::tools
