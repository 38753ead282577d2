#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "opaline/base/sha256.h"
#include "opaline/bigint/secret_integer.h"
#include "opaline/paillier/key_proof.h"

namespace opaline {

/// Key sizes, in bits of n. Below kSecureKeyBits a key is for tests only, and tools say so.
inline constexpr std::size_t kSmallestKeyBits = 1024;
inline constexpr std::size_t kSecureKeyBits = 2048;
inline constexpr std::size_t kDefaultKeyBits = 3072;  ///< about 128-bit strength, NIST SP 800-57
inline constexpr std::size_t kLargestKeyBits = 8192;

/// A Paillier public key: the modulus n; the generator is g = n + 1 (Paillier 1999; Damgård, Jurik, Nielsen
/// 2010). An immutable value, cheap to copy.
class PublicKey {
 public:
  /// Accepts n of an even number of bits in [kSmallestKeyBits, kLargestKeyBits] that is odd, has no factor
  /// below 2^16, is not a perfect power and not prime. InvalidKey (key_rules.h) says which rule is broken.
  /// `_vartime` (n is public).
  explicit PublicKey(const Integer& n);

  /// The same key, which carries the proof that gcd(n, φ(n)) = 1 from now on. InvalidKey(proof) if the
  /// proof is not one for this key.
  PublicKey with_proof(KeyProof proof, const Backend& backend = default_backend()) const;

  const Integer& n() const { return data_->n; }
  const Integer& n_squared() const { return data_->n_squared; }
  std::size_t bits() const { return data_->bits; }
  std::size_t ciphertext_bytes() const { return (data_->bits + 3) / 4; }  ///< of n²; big-endian

  /// SHA-256 of n, big-endian, in the bytes it needs.
  const Digest& fingerprint() const { return data_->fingerprint; }

  /// The proof it carries, which has been checked; null if none.
  const KeyProof* proof() const { return proof_.get(); }

  /// The same n, with or without a proof.
  friend bool operator==(const PublicKey& a, const PublicKey& b) {
    return a.data_ == b.data_ || a.n() == b.n();
  }

 private:
  struct Data {
    Integer n;
    Integer n_squared;
    std::size_t bits;
    Digest fingerprint;
  };
  std::shared_ptr<const Data> data_;
  std::shared_ptr<const KeyProof> proof_;
};

/// A Paillier secret key. Moves, does not copy; wiped on destruction.
class SecretKey {
 public:
  /// Proof material for exact, fast noise: h generates the p-th powers mod p², p − 1 = 2·k·r with r prime.
  struct Generator {
    SecretInteger h;
    SecretInteger k;
  };

  /// A fresh key of an even number of bits in [kSmallestKeyBits, kLargestKeyBits]: p ≡ q ≡ 3 (mod 4), both of
  /// bits/2 bits with the top two set, gcd(p − 1, q − 1) = 2, gcd(n, φ(n)) = 1, |p − q| > 2^(bits/2 − 100).
  /// Not constant-time.
  static SecretKey generate(std::size_t bits);

  /// An imported key. Checks that p and q are different primes of bits/2 bits each, that n is acceptable as a
  /// public key, gcd(n, φ(n)) = 1 and |p − q| as above. InvalidKey says which rule is broken.
  /// Constant-time in p and q but for their length, how often 2 divides p − 1 and q − 1, and which rule is
  /// broken, if one is.
  static SecretKey from_primes(SecretInteger p, SecretInteger q);

  /// The same with generators, which are proved, and with them that p and q are prime and 3 (mod 4). Such a
  /// key is of our own making, so all that generate() promises is asked of it.
  static SecretKey from_primes(SecretInteger p, SecretInteger q, Generator generator_p,
                               Generator generator_q);

  /// The same key, its public key with that proof (PublicKey::with_proof).
  SecretKey with_proof(KeyProof proof) &&;

  const PublicKey& public_key() const { return public_key_; }
  const SecretInteger& p() const { return p_; }  ///< as many words as it needs
  const SecretInteger& q() const { return q_; }

  /// Both or none: imported keys have none.
  const std::optional<Generator>& generator_p() const { return generator_p_; }
  const std::optional<Generator>& generator_q() const { return generator_q_; }

 private:
  SecretKey(SecretInteger p, SecretInteger q, PublicKey public_key) noexcept;
  static SecretKey fresh(std::size_t bits);
  static SecretKey of_product(const SecretInteger& p, const SecretInteger& q);

  SecretInteger p_;
  SecretInteger q_;
  PublicKey public_key_;
  std::optional<Generator> generator_p_;
  std::optional<Generator> generator_q_;
};

}  // namespace opaline
