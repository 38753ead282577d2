#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "opaline/bigint/backend.h"
#include "opaline/bigint/divider.h"
#include "opaline/paillier/keys.h"

namespace opaline {

/// The two halves of a computation under a secret key, mod p² and mod q², spread over lanes.
///
/// Constant-time in all numbers; what is public is the bit length of the primes.
///
/// Ciphertexts are worked on in parcels; each takes some groups of lanes. Half 0 is mod p², half 1 mod q².
class CrtArithmetic {
 public:
  enum class Halves {
    side_by_side,  ///< p in the lanes of even number, q in the others: the least work for few ciphertexts
    apart          ///< p in all lanes of one group, q in those of the other: lanes can share tables
  };
  CrtArithmetic(const SecretKey& key, const Backend& backend, Halves arrangement);

  std::size_t parcel() const { return parcel_; }         ///< ciphertexts
  std::size_t groups() const { return groups_.size(); }  ///< elements a parcel takes
  const PairArithmetic& group(std::size_t i) const { return *groups_[i]; }
  std::size_t ciphertext(std::size_t lane) const { return groups() == 1 ? lane / 2 : lane; }
  std::size_t half(std::size_t group, std::size_t lane) const { return groups() == 1 ? lane % 2 : group; }

  /// p for half 0, q for half 1, in prime_size() words.
  std::span<const Word> prime(std::size_t half) const { return primes_[half].words(); }
  std::size_t prime_size() const { return prime(0).size(); }
  std::size_t prime_bits() const { return prime_bits_; }

  /// p − 1 for half 0, q − 1 for half 1, in prime_size() words.
  WordVector order(std::size_t half) const;

  /// q mod p for half 0, p mod q for half 1, in prime_size() words.
  WordVector other_prime(std::size_t half) const;

  /// Words of n and of n².
  std::size_t n_size() const { return words_for(2 * prime_bits_); }
  std::size_t n_squared_size() const { return words_for(4 * prime_bits_); }

  /// (q²)^−1 mod p² for half 0, (p²)^−1 mod q² for half 1, in 2·prime_size() words.
  std::span<const Word> cofactor(std::size_t half) const { return cofactors_[half].words(); }

  /// −q^−1 mod p for half 0, −p^−1 mod q for half 1, in prime_size() words.
  std::span<const Word> minus_inverse(std::size_t half) const { return minus_inverses_[half].words(); }

  /// r = x mod p or q, of prime_size() words, for x of n_size() words.
  void reduce(std::span<Word> r, std::span<const Word> x, std::size_t half) const;

  /// r = x mod p² or q², of 2·prime_size() words, for x < n² of n_squared_size() words.
  void reduce_square(std::span<Word> r, std::span<const Word> x, std::size_t half) const;

  /// r = x·y mod p or q, all of prime_size() words and below it.
  void multiply_mod(std::span<Word> r, std::span<const Word> x, std::span<const Word> y,
                    std::size_t half) const;

  /// r = a + b·p or a + b·q, 2·prime_size() words: the whole of the halves a, then b.
  void join(std::span<Word> r, std::span<const Word> halves, std::size_t half) const;

  /// The number mod n², in n_squared_size() words, that is x_p mod p² and x_q mod q², each multiplied by its
  /// cofactor before: two products and no division.
  void combine_squares(std::span<Word> r, std::span<const Word> x_p_cofactor,
                       std::span<const Word> x_q_cofactor) const;

  /// The number mod n, in n_size() words, that is x_p mod p and x_q mod q.
  void combine(std::span<Word> r, std::span<const Word> x_p, std::span<const Word> x_q) const;

 private:
  std::array<SecretInteger, 2> primes_;
  std::size_t prime_bits_;
  std::array<WordVector, 2> squares_;  ///< in 2·prime_size() words
  std::array<Divider, 2> by_prime_;
  std::array<Divider, 2> by_square_;
  WordVector n_squared_;
  std::size_t parcel_;
  std::vector<std::unique_ptr<const PairArithmetic>> groups_;
  std::array<SecretInteger, 2> minus_inverses_;
  std::array<SecretInteger, 2> cofactors_;
};

}  // namespace opaline
