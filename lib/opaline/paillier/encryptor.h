#pragma once

#include <memory>
#include <span>
#include <vector>

#include "opaline/bigint/backend.h"
#include "opaline/paillier/ciphertext.h"
#include "opaline/paillier/keys.h"
#include "opaline/paillier/plaintext_vector.h"

namespace opaline {

class OwnerNoiseSource;

/// What the holder of a public key makes noise from.
enum class PublicNoiseKind {
  full_length,  ///< r^n, r uniform in Z*_n (Paillier 1999)
  djn  ///< h_s^e with half-length e and tables of h_s (Damgård, Jurik, Nielsen 2010): many times faster,
       ///< on a further assumption; meant for keys with p ≡ q ≡ 3 (mod 4), as ours are
};

struct EncryptorOptions {
  PublicNoiseKind public_noise = PublicNoiseKind::full_length;

  /// Noise for that many ciphertexts is kept ready in memory by a thread in the background (NoisePool).
  std::size_t ready = 0;
};

/// Plaintexts are integers in (−n/2, n/2), negative ones standing for n + m.
///
/// Encrypts: c = (1 + m·n)·ρ mod n² with ρ an n-th residue that is used once. Safe from many threads.
///  - built from a public key: ρ = r^n, or h_s^e if the options say so;
///  - built from a secret key: ρ exactly uniform and several times cheaper, by CRT: h_p^e mod p², e uniform
///    in [0, p−1), and likewise q, where the key has generators; u^p mod p², u uniform in [1, p), otherwise.
/// Constant-time in the plaintexts, the noise and the key, but for how many words an Integer has (a
/// PlaintextVector's numbers all have the same) and whether plaintexts are in range. With a
/// secret key the product of what a call gives out is checked first: a computing fault, which could give
/// away the key, is Error(fault) and nothing is released. That costs a call as much as a few ciphertexts if
/// the key has generators and no noise is kept ready, or else as much as decrypting one.
class Encryptor {
 public:
  explicit Encryptor(const PublicKey& key, const Backend& backend = default_backend(),
                     const EncryptorOptions& options = {});
  explicit Encryptor(const SecretKey& key, const Backend& backend = default_backend(),
                     const EncryptorOptions& options = {});
  Encryptor(Encryptor&&) noexcept;
  Encryptor& operator=(Encryptor&&) noexcept;
  ~Encryptor();

  const PublicKey& public_key() const;

  /// Of the tables built for this key: at most FixedBase::kLargestTable for each modulus.
  std::size_t table_bytes() const;

  /// Ciphertexts that noise lies ready for.
  std::size_t ready() const;

  /// Error(out_of_range) for a plaintext outside (−n/2, n/2).
  Ciphertext encrypt(const Integer& plaintext) const;

  /// Many, in parallel, in order.
  std::vector<Ciphertext> encrypt(std::span<const Integer> plaintexts) const;

  /// The same of residues mod n. Error(wrong_key) for those of another key, Error(out_of_range) for one that
  /// is not below n.
  std::vector<Ciphertext> encrypt(PlaintextVector plaintexts) const;

 private:
  Encryptor(const SecretKey& key, const Backend& backend, const EncryptorOptions& options,
            std::unique_ptr<const OwnerNoiseSource> noise);
  std::vector<Ciphertext> encrypt_here(WordVector residues) const;

  struct Parts;
  struct OwnersCheck;
  std::unique_ptr<const OwnersCheck> owners_check_;  ///< of a secret key; knows the parts' source
  std::unique_ptr<const Parts> parts_;
  PublicKey key_;
};

}  // namespace opaline
