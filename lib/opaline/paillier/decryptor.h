#pragma once

#include <memory>
#include <span>
#include <vector>

#include "opaline/bigint/backend.h"
#include "opaline/paillier/ciphertext.h"
#include "opaline/paillier/keys.h"
#include "opaline/paillier/plaintext_vector.h"

namespace opaline {

/// Decrypts by CRT in pair form: c^(p−1) mod p² = 1 + L_p(c)·p, so the first half must be 1 and the second is
/// L_p(c). With every call one ciphertext more is decrypted, the product of all with a random plaintext
/// added, which must come to their sum: a computing fault is Error(fault) and nothing is released.
/// Constant-time in the key and the plaintexts, but for how many words an Integer has and its sign.
/// Immutable; safe from many threads.
class Decryptor {
 public:
  explicit Decryptor(const SecretKey& key, const Backend& backend = default_backend());
  Decryptor(Decryptor&&) noexcept;
  Decryptor& operator=(Decryptor&&) noexcept;
  ~Decryptor();

  const PublicKey& public_key() const;

  /// The plaintext in (−n/2, n/2). Error(wrong_key) for a ciphertext under another key.
  Integer decrypt(const EvaluatedCiphertext& ciphertext) const;

  /// Many, in parallel, in order.
  std::vector<Integer> decrypt(std::span<const Ciphertext> ciphertexts) const;

  /// The same as residues in [0, n), of which not even the length shows.
  PlaintextVector decrypt_residues(std::span<const Ciphertext> ciphertexts) const;

 private:
  std::vector<const Integer*> values_of(std::span<const Ciphertext> ciphertexts) const;
  std::vector<Integer> integers(std::vector<const Integer*> values) const;
  WordVector residues(std::vector<const Integer*> values) const;
  void check_key(const PublicKey& key) const;

  struct Parts;
  std::unique_ptr<const Parts> parts_;
  PublicKey key_;
};

}  // namespace opaline
