#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <optional>
#include <utility>

#include "commands/command.h"
#include "commands/options.h"
#include "commands/report.h"
#include "commands/secret_keys.h"
#include "opaline/paillier/key_proof.h"

namespace opaline::tools {
namespace {

struct Options {
  std::size_t bits = kDefaultKeyBits;
  NewKeyOptions files;
  bool json = false;
};

void run(const Options& options) {
  const std::optional<SecretBytes> passphrase = prepare_new_key(options.files);
  if (options.bits < kSecureKeyBits) {
    std::cerr << "opaline: warning: a key of " << options.bits << " bits is for tests only; use "
              << kDefaultKeyBits << '\n';
  }
  SecretKey key = SecretKey::generate(options.bits);
  key = std::move(key).with_proof(make_key_proof(key));
  write_new_key(options.files, key, passphrase, options.json ? ReportFormat::json : ReportFormat::text);
}

}  // namespace

Action define_keygen(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  add_key_bits_option(command, options->bits);
  add_new_key_options(command, options->files);
  add_new_passphrase_options(command, options->files);
  command.add_flag("--json", options->json, "Print what was made as one JSON object");
  add_examples(command,
               {"opaline keygen --bits 3072 --output alice", "opaline keygen --passphrase --output alice"});
  return [options](const Session&) { run(*options); };
}

}  // namespace opaline::tools
