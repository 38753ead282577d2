#pragma once

#include <memory>
#include <span>

#include "opaline/bigint/backend.h"
#include "opaline/paillier/keys.h"

namespace opaline {

/// Decryption by CRT in pair form, without a check of the whole (ProductCheck). Constant-time in the key and
/// the plaintexts. Immutable; safe from many threads.
class CrtDecryption {
 public:
  CrtDecryption(const SecretKey& key, const Backend& backend);
  CrtDecryption(CrtDecryption&&) noexcept;
  CrtDecryption& operator=(CrtDecryption&&) noexcept;
  ~CrtDecryption();

  /// Of ciphertexts below n²: plaintexts in [0, n), as many words each as n has, in order. In parallel.
  /// Error(fault) if one contradicts itself.
  WordVector decrypt(std::span<const Integer* const> ciphertexts) const;

 private:
  struct Halves;
  std::unique_ptr<const Halves> halves_;
  std::unique_ptr<const Halves> narrow_halves_;  ///< for few ciphertexts, where there is a quicker backend
};

}  // namespace opaline
