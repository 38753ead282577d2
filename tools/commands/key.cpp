#include <CLI/CLI.hpp>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "commands/command.h"
#include "commands/files.h"
#include "commands/options.h"
#include "commands/report.h"
#include "commands/secret_keys.h"
#include "opaline/base/error.h"
#include "opaline/paillier/key_files.h"
#include "opaline/paillier/key_proof.h"

namespace opaline::tools {
namespace {

namespace fs = std::filesystem;

struct Options {
  fs::path key;
  SecretKeyOptions access;
  fs::path new_passphrase_file;
  bool remove = false;
};

void prove(const Options& options) {
  if (options.key.extension() != ".key") {
    throw Error(ErrorKind::invalid_argument,
                options.key.string() + ": the name of a secret key ends in .key");
  }
  const fs::path public_path = fs::path(options.key).replace_extension(".pub");
  OpenedKey opened = open_secret_key(options.key, options.access);
  SecretKey key = std::move(opened.key);
  key = std::move(key).with_proof(make_key_proof(key));
  const SecretBytes secret_file = key_file(key, opened.passphrase);
  const std::string public_json = to_json(key.public_key());
  write_together({{options.key, secret_file, FileMode::owner_only},
                  {public_path, as_bytes(public_json), FileMode::everyone}});
  print_report({{"secret_key", options.key.string()},
                {"public_key", public_path.string()},
                {"fingerprint", to_hex(key.public_key().fingerprint())},
                {"proof", true}},
               ReportFormat::text);
}

void change_passphrase(const Options& options) {
  const SecretKey key = open_secret_key(options.key, options.access).key;
  std::optional<SecretBytes> passphrase;
  if (!options.remove) passphrase = new_passphrase(options.new_passphrase_file);
  write_file(options.key, key_file(key, passphrase), FileMode::owner_only);
  print_report({{"secret_key", options.key.string()}, {"encrypted", passphrase.has_value()}},
               ReportFormat::text);
}

CLI::App& add_part(CLI::App& command, const char* name, const char* description, Options& options) {
  CLI::App& part = *command.add_subcommand(name, description);
  part.add_option("key", options.key, "NAME.key")->required()->type_name("FILE");
  add_secret_key_options(part, options.access);
  return part;
}

}  // namespace

Action define_key(CLI::App& command) {
  const auto options = std::make_shared<Options>();
  command.require_subcommand(1);
  const CLI::App& proving = add_part(
      command, "prove",
      "Add to NAME.key the proof that gcd(n, phi(n)) = 1, which keygen gives to its own keys and servers may "
      "ask for (serve --require-key-proof), and write NAME.pub anew",
      *options);
  CLI::App& changing = add_part(command, "passphrase",
                                "Encrypt NAME.key with a new passphrase, or with none any more", *options);
  CLI::Option* const file =
      changing
          .add_option("--new-passphrase-file", options->new_passphrase_file,
                      "The first line of this file (mode 0600) is the new one; default: you are asked for it")
          ->type_name("FILE");
  changing
      .add_flag("--remove", options->remove, "Leave the key unencrypted, for its owner to read (mode 0600)")
      ->excludes(file);
  add_examples(command, {"opaline key prove alice.key", "opaline key passphrase alice.key",
                         "openssl cms -decrypt -inform PEM -in alice.key -pwri_password PASSPHRASE"});
  return [options, &proving](const Session&) {
    if (proving.parsed()) {
      prove(*options);
    } else {
      change_passphrase(*options);
    }
  };
}

}  // namespace opaline::tools
