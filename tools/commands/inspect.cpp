#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "commands/command.h"
#include "commands/files.h"
#include "commands/options.h"
#include "commands/plans.h"
#include "commands/report.h"
#include "commands/secret_keys.h"
#include "opaline/base/error.h"
#include "opaline/base/frame.h"
#include "opaline/inference/message.h"
#include "opaline/model/data/dataset.h"
#include "opaline/model/data/photograph.h"
#include "opaline/model/data/table.h"
#include "opaline/paillier/key_files.h"

namespace opaline::tools {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Options {
  fs::path file;
  SecretKeyOptions access;
  bool json = false;
  bool plan = false;
  bool run = false;
  PlanOptions plans;
  std::size_t images = 1;
  std::size_t bits = kDefaultKeyBits;
};

// Never a secret number: only what the public half says as well, and who else may use the file.
Json describe_key(const fs::path& path, const SecretKeyOptions& options) {
  const bool encrypted = is_encrypted_key(path);
  constexpr unsigned others = 0077;
  const bool alone = (FileReader(path).permissions() & others) == 0;
  if (encrypted && options.passphrase_file.empty()) {
    return {{"kind", "secret key"}, {"encrypted", true}, {"readable_by_owner_only", alone}};
  }
  if (!holds_secret_key(path)) {
    const PublicKey key = read_public_key(path);
    return {{"kind", "public key"},
            {"bits", key.bits()},
            {"fingerprint", to_hex(key.fingerprint())},
            {"proof", key.proof() != nullptr}};
  }
  const SecretKey key = read_secret_key(path, key_access(options));
  return {{"kind", "secret key"},
          {"bits", key.public_key().bits()},
          {"fingerprint", to_hex(key.public_key().fingerprint())},
          {"proof", key.public_key().proof() != nullptr},
          {"noise_generators", key.generator_p().has_value()},
          {"encrypted", encrypted},
          {"readable_by_owner_only", alone}};
}

const char* name_of(OutputActivation activation) {
  switch (activation) {
    case OutputActivation::none:
      return "none";
    case OutputActivation::softmax:
      return "softmax";
    case OutputActivation::log_softmax:
      return "log softmax";
    case OutputActivation::sigmoid:
      return "sigmoid";
    case OutputActivation::argmax:
      return "argmax";
  }
  return "unknown";
}

Json spec_fields(const ClientSpec& spec) {
  Json fields = {{"name", spec.name},
                 {"model_id", to_hex(spec.model_id)},
                 {"input_shape", spec.input_shape},
                 {"outputs", spec.outputs},
                 {"task", spec.task == Task::regression ? "regression" : "classification"},
                 {"labels", spec.labels},
                 {"activation", name_of(spec.activation)},
                 {"features", name_of(spec.features)}};
  if (spec.columns.empty() && spec.features == FeatureMap::none) {
    fields["pixel_scale"] = spec.pixels.scale;
    fields["mean"] = spec.pixels.mean;
    fields["std"] = spec.pixels.deviation;
  }
  if (!spec.columns.empty()) fields["columns"] = spec.columns;
  if (spec.encoding.ranges.size() == 1) {
    fields["input_range"] = {spec.encoding.range(0).lowest, spec.encoding.range(0).highest};
  } else {
    fields["input_ranges"] = Json::array();
    for (const auto& [lowest, highest] : spec.encoding.ranges)
      fields["input_ranges"].push_back({lowest, highest});
  }
  fields["beyond"] = spec.encoding.beyond == Beyond::clipped ? "clipped" : "refused";
  fields["input_bits"] = spec.encoding.bits;
  if (spec.output_scales.size() == 1) {
    fields["output_scale"] = spec.output_scale(0);
  } else {
    fields["output_scales"] = spec.output_scales;
  }
  fields["output_offset"] = spec.output_offset;
  fields["answers_within"] = spec.bound;
  fields["weight_bits"] = spec.weight_bits;
  fields["mask_bits"] = spec.mask_bits;
  fields["inputs_sent"] = spec.sent();
  return fields;
}

Json describe_client(const fs::path& path) {
  Json fields = {{"kind", "client file of a model"}};
  fields.update(spec_fields(read_client_spec(path)));
  return fields;
}

Json describe_server(const fs::path& path) {
  const CompiledModel model = read_server_model(path);
  Json fields = {{"kind", "server file of a model (private weights)"}};
  fields.update(spec_fields(model.client_spec()));
  fields["weights"] = model.weights().size();
  return fields;
}

template <typename Header>
void put_message_fields(Json& fields, const Header& header) {
  fields["model_id"] = to_hex(header.model_id);
  fields["images"] = header.images;
  fields.update(layout_fields(header.layout));
  fields["chunks"] = header.chunks();
}

// Only the header: the rest cannot be read without the model.
Json describe_query(const fs::path& path) {
  FrameReader reader(path);
  const QueryHeader header = read_query_header(reader);
  Json fields = {{"kind", "query"},
                 {"key_bits", header.key.bits()},
                 {"key_fingerprint", to_hex(header.key.fingerprint())},
                 {"key_proof", header.key.proof() != nullptr}};
  put_message_fields(fields, header);
  return fields;
}

Json describe_reply(const fs::path& path) {
  FrameReader reader(path);
  const ReplyHeader header = read_reply_header(reader);
  Json fields = {{"kind", "reply"}, {"key_id", to_hex(header.key_id)}};
  put_message_fields(fields, header);
  return fields;
}

Json describe_network(const fs::path& path) {
  const ImportedNetwork network = read_network(path);
  return {{"kind", "network (ONNX), affine as a whole"},
          {"operators", network.operators},
          {"input_shape", network.input_shape},
          {"inputs", network.map.inputs},
          {"outputs", network.map.outputs},
          {"activation", name_of(network.activation)}};
}

Json describe_images(const fs::path& path) {
  const ImageSet images = read_idx_images(path);
  return {
      {"kind", "images (IDX)"}, {"images", images.count}, {"rows", images.rows}, {"columns", images.columns}};
}

Json describe_labels(const fs::path& path) {
  const std::vector<std::uint8_t> labels = read_idx_labels(path);
  const auto largest = std::max_element(labels.begin(), labels.end());
  return {{"kind", "labels (IDX)"},
          {"labels", labels.size()},
          {"largest", labels.empty() ? 0U : unsigned{*largest}}};
}

Json describe_photograph(const fs::path& path) {
  const GreyImage image = read_png(path);
  return {{"kind", "picture (PNG)"}, {"rows", image.rows}, {"columns", image.columns}};
}

Json describe_table(const fs::path& path) {
  const Table table = Table::read(path);
  Json fields = {{"kind", "table"}, {"rows", table.rows()}, {"width", table.width()}};
  if (!table.columns().empty()) fields["columns"] = table.columns();
  return fields;
}

// A compressed file does not say on the outside which of the two it is.
Json describe_gzip(const fs::path& path) {
  try {
    return describe_images(path);
  } catch (const Error& no_images) {
    try {
      return describe_labels(path);
    } catch (const Error& no_labels) {
      throw Error(ErrorKind::damaged,
                  path.string() + ": compressed, but neither intact images nor labels (IDX)");
    }
  }
}

struct FramedKind {
  FrameKind kind;
  Json (*describe)(const fs::path& path);
};

// The first frames of the files that are made of frames.
constexpr FramedKind kFramedKinds[] = {{{'S', 'R', 'V', 'R'}, describe_server},
                                       {{'C', 'L', 'N', 'T'}, describe_client},
                                       {{'Q', 'H', 'D', 'R'}, describe_query},
                                       {{'R', 'H', 'D', 'R'}, describe_reply}};

Json describe(const Options& options) {
  const fs::path& path = options.file;
  FileReader file(path);
  std::array<std::uint8_t, 8> start{};
  file.read(
      std::span(start).first(static_cast<std::size_t>(std::min<std::uint64_t>(file.left(), start.size()))));
  for (const FramedKind& framed : kFramedKinds) {
    if (peek_frame_kind(start) == framed.kind) return framed.describe(path);
  }
  if (start[0] == 0x1f && start[1] == 0x8b) return describe_gzip(path);
  if (start[0] == 0 && start[1] == 0 && start[2] == 8) {
    return start[3] == 1 ? describe_labels(path) : describe_images(path);
  }
  if (start[0] == '{' || start[0] == '-') return describe_key(path, options.access);
  if (start[0] == 0x89 && start[1] == 'P') return describe_photograph(path);
  if ((start[0] == 0x93 && start[1] == 'N') || path.extension() == ".csv") return describe_table(path);
  return describe_network(path);
}

// What each objective would choose for the model, and after a run what it measured.
Json plan_fields(const Options& options, const Session& session) {
  FileReader file(options.file);
  std::array<std::uint8_t, 8> start{};
  if (file.left() >= start.size()) file.read(start);
  const bool server = peek_frame_kind(start) == FrameKind{'S', 'R', 'V', 'R'};
  if (!server && (options.run || peek_frame_kind(start) != FrameKind{'C', 'L', 'N', 'T'})) {
    throw Error(ErrorKind::invalid_argument,
                options.file.string() +
                    ": plans are made for a model's NAME.client or NAME.server, and --run "
                    "takes a NAME.server");
  }
  const ClientSpec spec =
      server ? read_server_model(options.file).client_spec() : read_client_spec(options.file);
  const SecretKey key = SecretKey::generate(options.bits);
  const Encryptor encryptor(key, session.backend);
  const Planner planner(spec, options.bits, MachineSpeed::measure(encryptor, session.backend));
  Json plans = Json::array();
  for (const char* name : {"latency", "bandwidth", "throughput", "auto", "plain"}) {
    const Plan plan = planner.choose(*objective_of(name), options.images, options.plans.link_mbps);
    Json fields = {{"plan", name}};
    fields.update(describe_plan(plan, options.plans.link_mbps));
    if (options.run) {
      fields.update(run_plan(plan, read_server_model(options.file), key, session));
    }
    plans.push_back(std::move(fields));
  }
  return {{"key_bits", options.bits}, {"images", options.images}, {"plans", std::move(plans)}};
}

void run(const Options& options, const Session& session) {
  Json fields = {{"file", options.file.string()}};
  fields.update(describe(options));
  fields["bytes"] = fs::file_size(options.file);
  if (options.plan || options.run) fields.update(plan_fields(options, session));
  print_report(fields, options.json ? ReportFormat::json : ReportFormat::text);
}

}  // namespace

Action define_inspect(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  command.add_option("file", options->file, "Any file that opaline reads or writes")
      ->required()
      ->type_name("FILE");
  add_secret_key_options(command, options->access);
  command.add_flag("--json", options->json, "Print the fields as one JSON object");
  command.add_flag("--plan", options->plan,
                   "Of a model: also the layouts for queries, and what they are predicted to take here");
  command.add_flag("--run", options->run,
                   "Of a NAME.server: also runs them with random inputs and says what they took");
  command.add_option("--plan-images", options->images, "Plan for that many images")
      ->check(CLI::Range(std::size_t{1}, kLargestQuery))
      ->capture_default_str();
  add_key_bits_option(command, options->bits);
  add_link_option(command, options->plans);
  add_examples(command, {"opaline inspect digits.client", "opaline inspect --json q.query",
                         "opaline inspect --run --plan-images 100 digits.server"});
  return [options](const Session& session) { run(*options, session); };
}

}  // namespace opaline::tools
