#pragma once

#include <filesystem>
#include <optional>

#include "commands/report.h"
#include "opaline/base/secret.h"
#include "opaline/paillier/key_files.h"

namespace CLI {  // NOLINT(readability-identifier-naming): CLI11's name
class App;
}

namespace opaline::tools {

/// How a command opens a secret key's file.
struct SecretKeyOptions {
  std::filesystem::path passphrase_file;
  bool allow_insecure = false;
};

/// The options --passphrase-file and --allow-insecure-key-file.
void add_secret_key_options(CLI::App& command, SecretKeyOptions& options);

/// How the options say to open key files: with the passphrase of the file, or, where standard input is a
/// terminal, what is typed there. Never from the command line or the environment, which others can see.
/// Refers to the options.
KeyFileAccess key_access(const SecretKeyOptions& options);

/// A key and what it was encrypted with, if it was.
struct OpenedKey {
  SecretKey key;
  std::optional<SecretBytes> passphrase;
};

/// Reads a key that is to be written again. Errors as read_secret_key.
OpenedKey open_secret_key(const std::filesystem::path& path, const SecretKeyOptions& options);

/// The first line of a file that must be its owner's alone. Error(io), Error(damaged) and Error(too_large)
/// name the file.
SecretBytes read_passphrase(const std::filesystem::path& path);

/// A new passphrase: from that file, or, if there is none, typed twice. Error(invalid_argument) for one that
/// is too short, or where nobody can type.
SecretBytes new_passphrase(const std::filesystem::path& file);

/// How a command writes a new secret key.
struct NewKeyOptions {
  std::filesystem::path output;
  bool force = false;
  bool passphrase = false;
  std::filesystem::path passphrase_file;
};

/// The options --output and --force.
void add_new_key_options(CLI::App& command, NewKeyOptions& options);

/// The options --passphrase and --passphrase-file.
void add_new_passphrase_options(CLI::App& command, NewKeyOptions& options);

/// What the key is to be encrypted with, if anything; after a look at what stands in the way. Error(io) if a
/// key of that name is there and --force is not given.
std::optional<SecretBytes> prepare_new_key(const NewKeyOptions& options);

/// Writes NAME.key and NAME.pub, both or none, and says so.
void write_new_key(const NewKeyOptions& options, const SecretKey& key,
                   const std::optional<SecretBytes>& passphrase, ReportFormat format);

}  // namespace opaline::tools
