#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "commands/command.h"
#include "commands/files.h"
#include "commands/options.h"
#include "commands/report.h"
#include "opaline/base/error.h"
#include "opaline/paillier/key_files.h"

namespace opaline::tools {
namespace {

struct Options {
  std::size_t bits = kDefaultKeyBits;
  std::filesystem::path output;
  bool force = false;
  bool json = false;
};

void run(const Options& options) {
  const std::filesystem::path secret_path = with_ending(options.output, ".key");
  const std::filesystem::path public_path = with_ending(options.output, ".pub");
  for (const auto& path : {secret_path, public_path}) {
    if (!options.force && std::filesystem::exists(std::filesystem::symlink_status(path))) {
      throw Error(ErrorKind::io, path.string() +
                                     ": is there already; choose another --output, or replace it "
                                     "with --force (what was encrypted for it is then lost)");
    }
  }
  if (options.bits < kSecureKeyBits) {
    std::cerr << "opaline: warning: a key of " << options.bits << " bits is for tests only; use "
              << kDefaultKeyBits << '\n';
  }
  const SecretKey key = SecretKey::generate(options.bits);
  const SecretBytes secret_json = to_json(key);
  const std::string public_json = to_json(key.public_key());
  write_both({secret_path, secret_json, FileMode::owner_only},
             {public_path, as_bytes(public_json), FileMode::everyone});
  print_report({{"secret_key", secret_path.string()},
                {"public_key", public_path.string()},
                {"bits", key.public_key().bits()},
                {"fingerprint", to_hex(key.public_key().fingerprint())}},
               options.json ? ReportFormat::json : ReportFormat::text);
}

}  // namespace

Action define_keygen(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  add_key_bits_option(command, options->bits);
  command
      .add_option("--output", options->output, "Writes NAME.key (secret, mode 0600) and NAME.pub (public)")
      ->required()
      ->type_name("NAME");
  command.add_flag("--force", options->force, "Replace keys of that name");
  command.add_flag("--json", options->json, "Print what was made as one JSON object");
  add_examples(command, {"opaline keygen --bits 3072 --output alice"});
  return [options](const Session&) { run(*options); };
}

}  // namespace opaline::tools
