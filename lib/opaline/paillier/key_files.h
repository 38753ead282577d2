#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>

#include "opaline/base/bytes.h"
#include "opaline/base/secret.h"
#include "opaline/paillier/keys.h"

namespace opaline {

/// Keys as JSON in the JWK form of python-paillier's pheutil: kty "DAJ", alg "PAI-GN1", unpadded base64url
/// numbers. Members of ours stand under "opaline" and are optional: a public key's fingerprint, by which
/// damage is found, and its proof (key_proof.h); the generators of a secret key's noise groups. Readers
/// accept files of pheutil; they check sizes before anything else, then every rule of keys.h. Errors:
/// Error(damaged) for what is not such JSON, InvalidKey (key_rules.h), each opening with the file's name.

/// Which members of ours are written: those above, or none, for programs that would not expect any.
enum class KeyMembers { all, of_pheutil };

std::string to_json(const PublicKey& key, KeyMembers members = KeyMembers::all);
PublicKey public_key_from_json(ByteView json, const std::string& name);

SecretBytes to_json(const SecretKey& key, KeyMembers members = KeyMembers::all);
SecretKey secret_key_from_json(ByteView json, const std::string& name);

/// How a secret key's file is opened.
struct KeyFileAccess {
  /// Asked for the passphrase of an encrypted file, once and only then. Without one, such files are refused.
  std::function<SecretBytes(const std::filesystem::path& file)> passphrase;

  /// Whether a file is refused that its group or others may read, write or run (mode & 077): what they may
  /// have read is no secret any more, and what they may have written no key of one's own.
  enum class Others { shut_out, tolerated } others = Others::shut_out;
};

/// Files, written atomically; a secret key's with mode 0600, encrypted if there is a passphrase
/// (key_encryption.h). Reading one throws Error(io), with the chmod that helps, where KeyFileAccess says so,
/// and Error(authentication) for a passphrase that is wrong or missing.
void write_key(const std::filesystem::path& path, const PublicKey& key);
void write_key(const std::filesystem::path& path, const SecretKey& key);
SecretBytes key_file(const SecretKey& key, const std::optional<SecretBytes>& passphrase);
SecretKey read_secret_key(const std::filesystem::path& path, const KeyFileAccess& access = {});

/// Reads a public key from a .pub file, or the public part of a secret key's file, which is opened as above.
PublicKey read_public_key(const std::filesystem::path& path, const KeyFileAccess& access = {});

/// Whether a file holds a secret key, encrypted or not: what decides how a client encrypts. Errors as the
/// readers, whoever else may read the file.
bool holds_secret_key(const std::filesystem::path& path);

/// Whether a file holds a secret key under a passphrase.
bool is_encrypted_key(const std::filesystem::path& path);

}  // namespace opaline
