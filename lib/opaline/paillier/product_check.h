#pragma once

#include <memory>
#include <span>
#include <vector>

#include "opaline/bigint/backend.h"
#include "opaline/paillier/keys.h"

namespace opaline {

/// Finds what a fault has done to calculations under a secret key: the product of ciphertexts decrypts to the
/// sum of their plaintexts, and with a random number r hidden in it, to the sum plus r, which no fault that
/// strikes them all alike leaves so.
class ProductCheck {
 public:
  ProductCheck(const PublicKey& key, const Backend& backend);

  /// Words of n.
  std::size_t size() const { return n_.size(); }

  /// One ciphertext more, and what it has to decrypt to beyond the sum of the others: r, uniform in [0, n).
  struct Witness {
    Integer ciphertext;
    WordVector excess;
  };
  Witness witness(std::span<const Integer* const> ciphertexts) const;

  /// What the witness has to decrypt to: the sum mod n of the plaintexts, residues mod n of size() words
  /// each, and the excess. Constant-time in them.
  WordVector sum(std::span<const Word> plaintexts, std::span<const Word> excess) const;

 private:
  std::unique_ptr<const PairArithmetic> f_;
  WordVector n_;
};

}  // namespace opaline
