#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "opaline/base/sha256.h"
#include "opaline/bigint/integer.h"

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
  /// below 2^16, is not a perfect power and not prime. Error(invalid_key) says which rule is broken.
  /// `_vartime` (n is public).
  explicit PublicKey(const Integer& n);

  const Integer& n() const { return data_->n; }
  const Integer& n_squared() const { return data_->n_squared; }
  std::size_t bits() const { return data_->bits; }
  std::size_t ciphertext_bytes() const { return (data_->bits + 3) / 4; }  ///< of n²; big-endian

  /// SHA-256 of n, big-endian, in the bytes it needs.
  const Digest& fingerprint() const { return data_->fingerprint; }

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
  /// public key, gcd(n, φ(n)) = 1 and |p − q| as above. Error(invalid_key) says which rule is broken.
  /// `_vartime`.
  static SecretKey from_primes(SecretInteger p, SecretInteger q);

  /// The same with generators, which are proved.
  static SecretKey from_primes(SecretInteger p, SecretInteger q, Generator generator_p,
                               Generator generator_q);

  const PublicKey& public_key() const { return public_key_; }
  const Integer& p() const { return p_.get(); }
  const Integer& q() const { return q_.get(); }

  /// Both or none: imported keys have none.
  const std::optional<Generator>& generator_p() const { return generator_p_; }
  const std::optional<Generator>& generator_q() const { return generator_q_; }

 private:
  SecretKey(SecretInteger p, SecretInteger q, PublicKey public_key) noexcept;

  SecretInteger p_;
  SecretInteger q_;
  PublicKey public_key_;
  std::optional<Generator> generator_p_;
  std::optional<Generator> generator_q_;
};

}  // namespace opaline
