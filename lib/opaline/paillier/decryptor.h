#pragma once

#include <memory>
#include <span>
#include <vector>

#include "opaline/bigint/backend.h"
#include "opaline/paillier/ciphertext.h"
#include "opaline/paillier/keys.h"

namespace opaline {

/// Decrypts by CRT in pair form: c^(p−1) mod p² = 1 + L_p(c)·p, so the first half must be 1 (checked: a
/// computation fault is Error(fault) and nothing is released) and the second is L_p(c). Constant-time in the
/// key and the plaintexts. Immutable; safe from many threads.
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

 private:
  std::vector<Integer> decrypt_values(std::span<const Integer* const> values) const;
  void check_key(const PublicKey& key) const;

  struct Halves;
  std::unique_ptr<const Halves> halves_;
  std::unique_ptr<const Halves> narrow_halves_;  ///< for few ciphertexts, where there is a quicker backend
  PublicKey key_;
};

}  // namespace opaline
