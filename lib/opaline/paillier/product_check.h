#pragma once

#include <memory>
#include <span>
#include <vector>

#include "opaline/bigint/backend.h"
#include "opaline/paillier/keys.h"

namespace opaline {

/// Finds what a fault has done to calculations under a secret key: the product of ciphertexts decrypts to the
/// sum of their plaintexts. A random plaintext among them, which goes the way of all others, shows faults
/// that strike them all alike, whatever the others come to.
class ProductCheck {
 public:
  ProductCheck(const PublicKey& key, const Backend& backend);

  /// Words of n.
  std::size_t size() const { return n_.size(); }

  /// Uniform in [0, n).
  WordVector random_plaintext() const;

  /// Of numbers below n², mod n². They are public.
  Integer product(std::span<const Integer* const> ciphertexts) const;

  /// The square of their product times 1 + r·n with r random: a ciphertext that has to decrypt to twice the
  /// sum of theirs and the excess r. Twice, since a damaged constant can add the same to whatever is
  /// decrypted: to k plaintexts k times, which is not to be what it adds to the witness.
  struct Witness {
    Integer ciphertext;
    WordVector excess;
  };
  Witness witness(std::span<const Integer* const> ciphertexts) const;

  /// The sum mod n of plaintexts, residues mod n of size() words each. Constant-time in them.
  WordVector sum(std::span<const Word> plaintexts) const;

 private:
  WordVector multiplied(std::span<const Integer* const> ciphertexts) const;
  Integer lanes_product(const WordVector& element) const;

  std::unique_ptr<const PairArithmetic> f_;
  WordVector n_;
};

}  // namespace opaline
