#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "commands/command.h"
#include "commands/files.h"
#include "commands/inputs.h"
#include "commands/options.h"
#include "commands/plans.h"
#include "commands/report.h"
#include "commands/secret_keys.h"
#include "commands/stopwatch.h"
#include "opaline/base/error.h"
#include "opaline/base/file.h"
#include "opaline/inference/client.h"
#include "opaline/inference/spec_certificate.h"
#include "opaline/paillier/key_files.h"

namespace opaline::tools {
namespace {

struct Options {
  std::filesystem::path key;
  SecretKeyOptions access;
  std::filesystem::path spec;
  InputOptions inputs;
  std::filesystem::path output;
  PlanOptions plans;
  bool show_plan = false;
  std::string noise = "full";
};

// The owner of a secret key encrypts faster, and exactly: there is nothing to choose.
Encryptor encryptor_for(const Options& options, const Backend& backend) {
  if (holds_secret_key(options.key)) {
    return Encryptor(read_secret_key(options.key, key_access(options.access)), backend);
  }
  const auto kind = options.noise == "djn" ? PublicNoiseKind::djn : PublicNoiseKind::full_length;
  return Encryptor(read_public_key(options.key), backend, {kind, 0});
}

// What a killed run left of this query: its header, whole chunks, and the bytes of both.
struct LeftBehind {
  QueryHeader header;
  WholeChunks whole;
};

std::optional<LeftBehind> left_behind(const std::filesystem::path& partial, const QueryEncryptor& encryptor,
                                      std::size_t images) {
  try {
    const ClientSpec& spec = encryptor.spec();
    FrameReader reader(partial);
    const QueryHeader header = read_query_header(reader);
    if (header.key != encryptor.encryptor().public_key() || header.model_id != spec.model_id ||
        header.images != images) {
      return std::nullopt;
    }
    const SlotLayout layout(header.layout, certificate_of(spec), header.key.bits());
    WholeChunks whole = read_whole_chunks(reader, ChunkKind::query, message_digest(header),
                                          layout.ciphertexts() * header.key.ciphertext_bytes());
    whole.bytes += to_frame(header).size();
    if (whole.count == 0 || whole.count >= header.chunks()) return std::nullopt;
    return LeftBehind{header, whole};
  } catch (const Error&) {
    return std::nullopt;
  }
}

void run(const Options& options, const Session& session) {
  const ClientSpec spec = read_client_spec(options.spec);
  const ModelInputs inputs(options.inputs, spec);
  inputs.warn_of_clipping();
  const QueryEncryptor encryptor(spec, encryptor_for(options, session.backend));
  const PublicKey& key = encryptor.encryptor().public_key();

  const Digest request =
      sha256({key.fingerprint(), spec.model_id, inputs.digest(), as_bytes(options.plans.layout)});
  const std::filesystem::path partial = partial_path(options.output, request);
  FileWriter file(options.output, FileMode::everyone, partial);
  const std::optional<LeftBehind> left = left_behind(partial, encryptor, inputs.count());
  file.continue_at(left ? left->whole.bytes : 0);
  const InputSource input = encoding_ahead(inputs.count(), [&](std::size_t i) { return inputs.encoded(i); });
  const auto write = [&](ByteView bytes) { file.write(bytes); };
  if (left) {
    ProgressBar bar("encrypting", inputs.count(), session.progress);
    encryptor.encrypt(left->header, left->whole.count, input, write,
                      [&](std::size_t done) { bar.update(done); });
  } else {
    const Plan plan = make_plan(options.plans, encryptor, inputs.count(), session.backend);
    const Stopwatch time;
    const QueryHeader header = encryptor.header(inputs.count(), plan.layout);
    write(to_frame(header));
    ProgressBar bar("encrypting", inputs.count(), session.progress);
    encryptor.encrypt(header, 0, input, write, [&](std::size_t done) { bar.update(done); });
    if (options.show_plan) {
      nlohmann::ordered_json fields = describe_plan(plan, options.plans.link_mbps);
      fields["encrypt_ms_measured"] = 1e3 * time.seconds();
      print_report(fields, ReportFormat::text);
    }
  }
  file.commit();
}

}  // namespace

Action define_encrypt(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  command.add_option("--key", options->key, "NAME.key (faster) or NAME.pub")->required()->type_name("FILE");
  add_secret_key_options(command, options->access);
  command.add_option("--spec", options->spec, "The model's NAME.client")->required()->type_name("FILE");
  add_input_options(command, options->inputs);
  command.add_option("--output", options->output, "The query to write")->required()->type_name("FILE");
  add_layout_option(command, options->plans);
  add_link_option(command, options->plans);
  command.add_flag("--show-plan", options->show_plan,
                   "Print the layout, what it is predicted to take, and what encrypting took");
  command
      .add_option(
          "--noise", options->noise,
          "With a NAME.pub, full: r^n, which is Paillier's definition; djn: short exponents and tables "
          "(Damgard, Jurik, Nielsen), about ten times faster, on a further assumption and for keys made "
          "by opaline. A NAME.key makes noise of its own, faster still")
      ->check(CLI::IsMember({"full", "djn"}))
      ->capture_default_str();
  add_examples(command,
               {"opaline encrypt --key alice.key --spec digits.client --images "
                "t10k-images-idx3-ubyte.gz --range 0:100 --output q.query",
                "opaline encrypt --key alice.key --spec digits.client --image photo.png --output q.query",
                "opaline encrypt --key alice.key --spec wine.client --csv wine.csv --output q.query"});
  return [options](const Session& session) { run(*options, session); };
}

}  // namespace opaline::tools
