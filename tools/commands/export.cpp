#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <filesystem>
#include <memory>
#include <string>

#include "commands/command.h"
#include "commands/files.h"
#include "commands/options.h"
#include "commands/secret_keys.h"
#include "opaline/base/error.h"
#include "opaline/base/frame.h"
#include "opaline/inference/phe_messages.h"
#include "opaline/paillier/key_files.h"

namespace opaline::tools {
namespace {

namespace fs = std::filesystem;

struct Options {
  fs::path file;
  fs::path output;
  fs::path key;
  fs::path spec;
  SecretKeyOptions access;
};

void export_key(const Options& options) {
  const KeyFileAccess access = key_access(options.access);
  if (holds_secret_key(options.file)) {
    const SecretKey key = read_secret_key(options.file, access);
    write_file(options.output, to_json(key, KeyMembers::of_pheutil), FileMode::owner_only);
  } else {
    const PublicKey key = read_public_key(options.file);
    write_file(options.output, as_bytes(to_json(key, KeyMembers::of_pheutil)), FileMode::everyone);
  }
}

void write_numbers(const fs::path& path, const std::vector<PheNumber>& numbers) {
  std::string lines;
  for (const PheNumber& number : numbers) lines += to_json(number);
  write_file(path, as_bytes(lines), FileMode::everyone);
}

FrameKind kind_of(const fs::path& path) {
  FileReader file(path);
  std::array<std::uint8_t, 8> start{};
  file.read(
      std::span(start).first(static_cast<std::size_t>(std::min<std::uint64_t>(file.left(), start.size()))));
  return peek_frame_kind(start);
}

void run(const Options& options, const Session& session) {
  const FrameKind kind = kind_of(options.file);
  const bool query = kind == FrameKind{'Q', 'H', 'D', 'R'};
  const bool reply = kind == FrameKind{'R', 'H', 'D', 'R'};
  if (!query && !reply) {
    export_key(options);
    return;
  }
  if (options.spec.empty() || (reply && options.key.empty())) {
    throw CLI::ValidationError(query ? "a query is exported with its model's --spec"
                                     : "a reply is exported with its model's --spec and the --key it is for");
  }
  const ClientSpec spec = read_client_spec(options.spec);
  FrameReader reader(options.file);
  if (query) {
    write_numbers(options.output, numbers_of_query(reader, spec));
  } else {
    const Evaluator evaluator(read_public_key(options.key, key_access(options.access)), session.backend);
    write_numbers(options.output, numbers_of_reply(reader, spec, evaluator));
  }
}

}  // namespace

Action define_export(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  command.add_option("file", options->file, "NAME.key, NAME.pub, or a query or reply in the plain layout")
      ->required()
      ->type_name("FILE");
  command
      .add_option("--output", options->output,
                  "The file to write: a key as pheutil has them (a secret one unencrypted, mode 0600), or "
                  "encrypted numbers, one a line")
      ->required()
      ->type_name("FILE");
  command.add_option("--spec", options->spec, "Of a query or reply: the model's NAME.client")
      ->type_name("FILE");
  command.add_option("--key", options->key, "Of a reply: NAME.pub or NAME.key")->type_name("FILE");
  add_secret_key_options(command, options->access);
  add_examples(command,
               {"opaline export alice.key --output pheutil.json",
                "opaline export r.reply --key alice.pub --spec digits.client --output numbers.json"});
  return [options](const Session& session) { run(*options, session); };
}

}  // namespace opaline::tools
