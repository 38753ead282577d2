#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "opaline/bigint/backend.h"
#include "opaline/paillier/crt.h"
#include "opaline/paillier/keys.h"

namespace opaline {

/// Finds what a fault has done to ciphertexts whose noise was made from a key's generators: their product is
/// (1 + Σm·n)·h^Σe, calculated here once more, with arithmetic, constants and tables of its own. A power for
/// all of them, its exponent cut into slices that the lanes work on side by side, and these into words that
/// share their squarings: h^e is the product of (h^(2^(64·i)))^(e_i) for the words e_i (Straus 1964).
///
/// Constant-time in the key, the exponents and the plaintexts. Immutable; safe from many threads.
class NoiseCheck {
 public:
  /// Of a key that has generators. Error(fault) if they contradict its primes.
  NoiseCheck(const SecretKey& key, const Backend& backend);

  /// 1 if `product`, below n², is (1 + plaintext·n)·h_p^Σe_p mod p² and the same with q, or else 0. The
  /// plaintext lies in [0, n), of as many words; the exponents e_p below p − 1 and e_q below q − 1 of every
  /// ciphertext follow each other, of as many words each as p has.
  Word agrees(const Integer& product, std::span<const Word> plaintext, std::span<const Word> exponents) const;

 private:
  std::size_t slices() const { return crt_.parcel(); }
  std::size_t slice(std::size_t lane) const { return crt_.ciphertext(lane); }
  void require_orders(std::size_t group, const Word* generators) const;
  WordVector powers(std::size_t group, const Word* generators) const;
  WordVector power(std::size_t group, std::span<const Word> exponents) const;
  void multiply_lanes(std::size_t group, WordVector& element) const;
  Word group_agrees(std::size_t group, std::span<const Word> product, std::span<const Word> plaintext,
                    const std::array<WordVector, 2>& exponents) const;

  CrtArithmetic crt_;
  std::size_t slice_size_;            ///< words
  std::array<WordVector, 2> others_;  ///< q mod p, and p mod q
  std::array<WordVector, 2> orders_;  ///< p − 1, and q − 1
  /// Of the word j of its slice every lane has h^(d·2^(64·i)) for every digit d; a table a group.
  std::vector<WordVector> tables_;
};

}  // namespace opaline
