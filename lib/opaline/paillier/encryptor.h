#pragma once

#include <memory>
#include <span>
#include <vector>

#include "opaline/bigint/backend.h"
#include "opaline/paillier/ciphertext.h"
#include "opaline/paillier/keys.h"

namespace opaline {

/// Plaintexts are integers in (−n/2, n/2), negative ones standing for n + m.
///
/// Encrypts: c = (1 + m·n)·ρ mod n² with ρ uniform among the n-th residues. Immutable; safe from many
/// threads.
///  - built from a public key: ρ = r^n, r uniform in Z*_n (Paillier 1999);
///  - built from a secret key: ρ exactly uniform and several times cheaper, by CRT: h_p^e mod p², e uniform
///  in
///    [0, p−1), and likewise q, where the key has generators; u^p mod p², u uniform in [1, p), otherwise.
/// Constant-time in the plaintexts, the noise and the key.
class Encryptor {
 public:
  explicit Encryptor(const PublicKey& key, const Backend& backend = default_backend());
  explicit Encryptor(const SecretKey& key, const Backend& backend = default_backend());
  Encryptor(Encryptor&&) noexcept;
  Encryptor& operator=(Encryptor&&) noexcept;
  ~Encryptor();

  const PublicKey& public_key() const;

  /// Error(out_of_range) for a plaintext outside (−n/2, n/2).
  Ciphertext encrypt(const Integer& plaintext) const;

  /// Many, in parallel, in order.
  std::vector<Ciphertext> encrypt(std::span<const Integer> plaintexts) const;

 private:
  class Noise;
  class OwnerNoise;
  class PublicNoise;
  std::unique_ptr<const Noise> noise_;
  PublicKey key_;
};

}  // namespace opaline
