#pragma once

#include <memory>
#include <span>
#include <vector>

#include "opaline/bigint/backend.h"
#include "opaline/bigint/divider.h"
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

  /// The sum mod n of plaintexts, residues mod n of size() words each. Constant-time in them.
  WordVector sum(std::span<const Word> plaintexts) const;

  /// A ciphertext that is decrypted beside others and shows their faults: Π P_l^(e_l)·(1 + r·n), P_l the
  /// product of every ciphertext whose place is l modulo the count of lanes, which has to decrypt to
  /// Σ e_l·S_l + r, S_l the sum of their plaintexts. r is random, and so are the powers but for their top
  /// bits, since a damaged constant can add the same to all that is decrypted, or the same a few times over:
  /// errors that a plain sum, small powers or r = 0 could hide. Of other errors of an S_l at most one in
  /// 2^(kPowerBits − 1) powers hides it (Bellare, Garay, Rabin 1998, the small exponents test).
  struct Witness {
    Integer ciphertext;
    WordVector excess;  ///< r
    WordVector powers;  ///< a word a lane, of kPowerBits bits
  };
  static constexpr std::size_t kPowerBits = 12;
  Witness witness(std::span<const Integer* const> ciphertexts) const;

  /// 1 if plaintexts, as for sum, and the witness's, go together, or else 0. Constant-time in them.
  Word agree(const Witness& witness, std::span<const Word> plaintexts,
             std::span<const Word> of_witness) const;

 private:
  WordVector multiplied(std::span<const Integer* const> ciphertexts) const;
  Integer lanes_product(const WordVector& element) const;

  std::unique_ptr<const PairArithmetic> f_;
  WordVector n_;
  Divider by_n_;
};

}  // namespace opaline
