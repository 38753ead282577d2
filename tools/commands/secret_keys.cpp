#include "commands/secret_keys.h"

#include <openssl/evp.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "commands/files.h"
#include "opaline/base/error.h"
#include "opaline/base/file.h"
#include "opaline/paillier/key_encryption.h"

namespace opaline::tools {
namespace {

constexpr unsigned kOthers = 077;

enum class Typed { once, twice };

bool somebody_can_type() { return ::isatty(STDIN_FILENO) == 1; }

// libcrypto reads from the terminal without echo, and puts it back when it is interrupted.
SecretBytes ask(const std::string& prompt, Typed typed) {
  SecretBytes text(kLongestPassphrase + 1);
  auto* const buffer = reinterpret_cast<char*>(text.data());
  const int least = typed == Typed::twice ? static_cast<int>(kShortestPassphrase) : 0;
  if (::EVP_read_pw_string_min(buffer, least, static_cast<int>(kLongestPassphrase), prompt.c_str(),
                               typed == Typed::twice ? 1 : 0) != 0) {
    throw Error(ErrorKind::io, "no passphrase was typed, or not the same twice");
  }
  text.resize(std::strlen(buffer));
  return text;
}

}  // namespace

void add_secret_key_options(CLI::App& command, SecretKeyOptions& options) {
  command
      .add_option(
          "--passphrase-file", options.passphrase_file,
          "The first line of this file, which must be yours alone (mode 0600), opens the key if it is "
          "encrypted; default: you are asked for it")
      ->type_name("FILE");
  command.add_flag("--allow-insecure-key-file", options.allow_insecure,
                   "Take a secret key although others than you may read or change its file");
}

KeyFileAccess key_access(const SecretKeyOptions& options) {
  KeyFileAccess access;
  access.passphrase = [&options](const std::filesystem::path& file) {
    if (!options.passphrase_file.empty()) return read_passphrase(options.passphrase_file);
    if (!somebody_can_type()) {
      throw Error(ErrorKind::authentication,
                  file.string() + ": encrypted with a passphrase; give --passphrase-file");
    }
    return ask("Passphrase of " + file.string() + ": ", Typed::once);
  };
  if (options.allow_insecure) access.others = KeyFileAccess::Others::tolerated;
  return access;
}

OpenedKey open_secret_key(const std::filesystem::path& path, const SecretKeyOptions& options) {
  KeyFileAccess access = key_access(options);
  std::optional<SecretBytes> passphrase;
  access.passphrase = [&, ask = access.passphrase](const std::filesystem::path& file) {
    passphrase = ask(file);
    return *passphrase;
  };
  SecretKey key = read_secret_key(path, access);
  return {std::move(key), std::move(passphrase)};
}

SecretBytes read_passphrase(const std::filesystem::path& path) {
  FileReader file(path);
  if ((file.permissions() & kOthers) != 0) {
    throw Error(ErrorKind::io, path.string() + ": others may read or change this passphrase; chmod 600 it");
  }
  if (file.left() > kLongestPassphrase + 2) {
    throw Error(ErrorKind::too_large, path.string() + ": too long for a passphrase, which has at most " +
                                          std::to_string(kLongestPassphrase) + " bytes");
  }
  SecretBytes text(static_cast<std::size_t>(file.left()));
  file.read(text);
  auto end = std::find(text.begin(), text.end(), '\n');
  const bool more = std::any_of(end, text.end(), [](std::uint8_t c) { return c != '\n' && c != '\r'; });
  if (end != text.begin() && *(end - 1) == '\r') --end;
  text.erase(end, text.end());
  if (more || text.empty()) {
    throw Error(ErrorKind::damaged, path.string() + ": holds no passphrase, which is one line");
  }
  return text;
}

SecretBytes new_passphrase(const std::filesystem::path& file) {
  if (!file.empty()) return read_passphrase(file);
  if (!somebody_can_type()) {
    throw Error(ErrorKind::invalid_argument,
                "standard input is no terminal to type a new passphrase at: put it into a file");
  }
  return ask("New passphrase: ", Typed::twice);
}

void add_new_key_options(CLI::App& command, NewKeyOptions& options) {
  command.add_option("--output", options.output, "Writes NAME.key (secret, mode 0600) and NAME.pub (public)")
      ->required()
      ->type_name("NAME");
  command.add_flag("--force", options.force, "Replace keys of that name");
}

void add_new_passphrase_options(CLI::App& command, NewKeyOptions& options) {
  CLI::Option* const file =
      command
          .add_option(
              "--passphrase-file", options.passphrase_file,
              "Encrypt NAME.key with the first line of this file, which must be yours alone (mode 0600)")
          ->type_name("FILE");
  command.add_flag("--passphrase", options.passphrase, "Encrypt NAME.key with a passphrase that you type")
      ->excludes(file);
}

std::optional<SecretBytes> prepare_new_key(const NewKeyOptions& options) {
  for (const char* const ending : {".key", ".pub"}) {
    const std::filesystem::path path = with_ending(options.output, ending);
    if (!options.force && std::filesystem::exists(std::filesystem::symlink_status(path))) {
      throw Error(ErrorKind::io, path.string() +
                                     ": is there already; choose another --output, or replace it "
                                     "with --force (what was encrypted for it is then lost)");
    }
  }
  if (!options.passphrase && options.passphrase_file.empty()) return std::nullopt;
  return new_passphrase(options.passphrase_file);
}

void write_new_key(const NewKeyOptions& options, const SecretKey& key,
                   const std::optional<SecretBytes>& passphrase, ReportFormat format) {
  const std::filesystem::path secret_path = with_ending(options.output, ".key");
  const std::filesystem::path public_path = with_ending(options.output, ".pub");
  const SecretBytes secret_file = key_file(key, passphrase);
  const std::string public_json = to_json(key.public_key());
  write_together({{secret_path, secret_file, FileMode::owner_only},
                  {public_path, as_bytes(public_json), FileMode::everyone}});
  print_report({{"secret_key", secret_path.string()},
                {"public_key", public_path.string()},
                {"encrypted", passphrase.has_value()},
                {"bits", key.public_key().bits()},
                {"fingerprint", to_hex(key.public_key().fingerprint())}},
               format);
}

}  // namespace opaline::tools
