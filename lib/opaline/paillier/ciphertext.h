#pragma once

#include <span>
#include <utility>
#include <vector>

#include "opaline/base/bytes.h"
#include "opaline/bigint/integer.h"
#include "opaline/paillier/keys.h"

namespace opaline {

/// A Paillier ciphertext with noise of its own: a unit mod n², fit to be sent. Made by Encryptor, by
/// Evaluator::rerandomise or affine, or by parse_ciphertexts.
class Ciphertext {
 public:
  const PublicKey& key() const { return key_; }
  const Integer& value() const { return value_; }  ///< in (0, n²)

  /// Fixed width, big-endian: key().ciphertext_bytes().
  Bytes to_bytes() const { return opaline::to_bytes(value_, key_.ciphertext_bytes()); }

 private:
  Ciphertext(PublicKey key, Integer value) : key_(std::move(key)), value_(std::move(value)) {}
  friend class Encryptor;
  friend class Evaluator;
  friend class AffineBatch;
  friend std::vector<Ciphertext> parse_ciphertexts(const PublicKey& key, ByteView bytes);

  PublicKey key_;
  Integer value_;
};

/// The result of a homomorphic operation. Its noise is a function of what went in, so it tells how it was
/// made; it cannot be written out before Evaluator::rerandomise has given it noise of its own.
class EvaluatedCiphertext {
 public:
  /// Every ciphertext can be calculated with.
  EvaluatedCiphertext(const Ciphertext& ciphertext)  // NOLINT(google-explicit-constructor)
      : key_(ciphertext.key()), value_(ciphertext.value()) {}

  const PublicKey& key() const { return key_; }

 private:
  EvaluatedCiphertext(PublicKey key, Integer value) : key_(std::move(key)), value_(std::move(value)) {}
  friend class Evaluator;
  friend class Decryptor;

  PublicKey key_;
  Integer value_;
};

/// The ciphertexts of a received message, one after the other at fixed width. Checks the length, 0 < c < n²
/// for each, and with one gcd for all that each is a unit. Error(invalid_ciphertext) names the first that is
/// none. `_vartime` (ciphertexts are public).
std::vector<Ciphertext> parse_ciphertexts(const PublicKey& key, ByteView bytes);

}  // namespace opaline
