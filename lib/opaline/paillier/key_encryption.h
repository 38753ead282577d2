#pragma once

#include <cstddef>
#include <string>

#include "opaline/base/bytes.h"
#include "opaline/base/secret.h"

namespace opaline {

/// Secret keys under a passphrase: CMS (RFC 5652), AuthEnvelopedData (RFC 5083) with AES-256-GCM and one
/// password recipient (RFC 3211), written as PEM by OpenSSL's libcrypto. `openssl cms -decrypt -inform PEM`
/// opens it.
///
/// The passphrase goes through PBKDF2 with HMAC-SHA-1, the only function OpenSSL's CMS writes (it reads the
/// others too): collisions of SHA-1 are no matter inside HMAC. What counts is the work a guess takes: 1.4
/// million iterations, above the 1.3 million that OWASP's Password Storage Cheat Sheet asks for with that
/// function, about half a second on one core. A good passphrase has far more than that protects: six random
/// words, say.
inline constexpr std::size_t kPassphraseIterations = 1'400'000;

/// A new passphrase has at least so many bytes (NIST SP 800-63B, section 5.1.1.1), any so many at most.
inline constexpr std::size_t kShortestPassphrase = 8;
inline constexpr std::size_t kLongestPassphrase = 1024;

/// By how it begins.
bool is_encrypted(ByteView file);

/// PEM text. Error(invalid_argument) for a passphrase of another length than above.
std::string encrypt_with_passphrase(ByteView secret, ByteView passphrase);

/// What was encrypted, whole and unaltered. Error(authentication) for a wrong passphrase, or a file in which
/// what a passphrase opens is damaged: the two cannot be told apart. Error(damaged) for what is not such
/// PEM, Error(too_large) where opening it would take more than some seconds (10 million iterations); each
/// opens with the file's name.
SecretBytes decrypt_with_passphrase(ByteView file, ByteView passphrase, const std::string& name);

}  // namespace opaline
