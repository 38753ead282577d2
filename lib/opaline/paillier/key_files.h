#pragma once

#include <filesystem>
#include <string>

#include "opaline/base/bytes.h"
#include "opaline/base/secret.h"
#include "opaline/paillier/keys.h"

namespace opaline {

/// Keys as JSON in the JWK form of python-paillier's pheutil: kty "DAJ", alg "PAI-GN1", unpadded base64url
/// numbers. Members of ours stand under "opaline" and are optional: a public key's fingerprint, by which
/// damage is found, and the generators of a secret key's noise groups. Readers accept files of pheutil; they
/// check sizes before anything else, then every rule of keys.h. Errors: Error(damaged) for what is not such
/// JSON, Error(invalid_key), each opening with the file's name.

std::string to_json(const PublicKey& key);
PublicKey public_key_from_json(ByteView json, const std::string& name);

SecretBytes to_json(const SecretKey& key);
SecretKey secret_key_from_json(ByteView json, const std::string& name);

/// Files, written atomically; a secret key's with mode 0600.
void write_key(const std::filesystem::path& path, const PublicKey& key);
void write_key(const std::filesystem::path& path, const SecretKey& key);
SecretKey read_secret_key(const std::filesystem::path& path);

/// Reads a public key from a .pub file, or the public part of a secret key's file.
PublicKey read_public_key(const std::filesystem::path& path);

/// Whether a file holds a secret key: what decides how a client encrypts. Errors as the readers.
bool holds_secret_key(const std::filesystem::path& path);

}  // namespace opaline
