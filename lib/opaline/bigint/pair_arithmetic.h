#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "opaline/bigint/integer.h"
#include "opaline/bigint/words.h"

namespace opaline {

/// The seam between the algorithms and the arithmetic backends.
///
/// Numbers mod m² for odd m are kept as pairs a + b·m in Montgomery form, so that every product is made of
/// numbers the size of m:
///     (a + b·m)(a' + b'·m) ≡ a·a' + (a·b' + a'·b)·m   (mod m²),
/// and the quotient u of the Montgomery reduction of a·a' (a·a' + u·m = R·r) is what the second half needs:
/// the product is r + s·m with s = (a·b' + a'·b − u)/R mod m.  (Montgomery 1985, applied half by half.)
///
/// An element is `words()` words that hold one such number in each of `lanes()` lanes, and every operation
/// acts on all lanes at once; each lane has its own modulus m_i, all of one bit length. A half element is
/// `half_words()` words that hold a number mod m_i in each lane; an element is two of them, a then b. What
/// the words mean is the backend's own business.
///
/// Bounds, for every operation: the elements read are outputs of load, of another operation or of
/// select; the element written is one again. Outputs may alias inputs. Constant-time: time and addresses
/// depend on lanes() and on the bit length of the moduli only. Immutable after construction; safe from many
/// threads.
class PairArithmetic {
 public:
  PairArithmetic(const PairArithmetic&) = delete;
  PairArithmetic& operator=(const PairArithmetic&) = delete;
  virtual ~PairArithmetic() = default;

  std::size_t lanes() const { return lanes_; }
  std::size_t words() const { return words_; }            ///< of an element
  std::size_t half_words() const { return half_words_; }  ///< of a half element (one number mod m_i a lane)
  std::size_t number_words() const { return number_words_; }  ///< of one lane's number, kept on its own

  std::size_t modulus_size() const { return modulus_size_; }  ///< 64-bit words of a modulus

  /// The odd modulus m of a lane, in modulus_size() words.
  virtual std::span<const Word> modulus_words(std::size_t lane) const = 0;

  /// The same where it is public.
  Integer modulus(std::size_t lane) const { return from_words(modulus_words(lane)); }

  /// r = x · y mod m².
  virtual void mul(Word* r, const Word* x, const Word* y) const = 0;

  /// r = x² mod m².
  virtual void sqr(Word* r, const Word* x) const = 0;

  /// r = x · (1 + k·m) mod m², k a half element: an encryption without its noise.
  virtual void mul_one_plus_km(Word* r, const Word* x, const Word* k) const = 0;

  /// r = x · ȳ mod m², where ȳ is the element y with zeros for its second half (which is not read): a fifth
  /// less work than mul. Every y is ȳ · (1 + k·m) for the k of normalise().
  virtual void mul_first_half(Word* r, const Word* x, const Word* y) const = 0;

  /// Half elements: r = x · y mod m and r = x + y mod m.
  virtual void mul_halves(Word* r, const Word* x, const Word* y) const = 0;
  virtual void add_halves(Word* r, const Word* x, const Word* y) const = 0;

  /// r = table[index[lane]] in every lane, for `entries` elements one after the other. Every entry is read
  /// whole whatever the indices (each < entries).
  virtual void select(Word* r, const Word* table, std::size_t entries,
                      std::span<const std::uint32_t> index) const = 0;

  /// Packs `entries` elements into compact_words(entries) words: for large tables of numbers that all lanes
  /// share, as they share the modulus. entries is a power of two from 16 to 256.
  virtual void compact(Word* table, const Word* elements, std::size_t entries) const = 0;
  virtual std::size_t compact_words(std::size_t entries) const = 0;

  /// As select, from a packed table, into one element for every lanes() indices; they share the reading.
  virtual void select_compact(Word* r, const Word* table, std::size_t entries,
                              std::span<const std::uint32_t> index) const = 0;

  /// The number of a lane on its own, in number_words() words, which can go into any lane of any element:
  /// r = *numbers[lane] in every lane, and its opposite *numbers[lane] = x. `_vartime`: the addresses are the
  /// caller's choice, for public ones and for the server's weights.
  virtual void gather_numbers_vartime(Word* r, std::span<const Word* const> numbers) const = 0;
  virtual void scatter_numbers_vartime(std::span<Word* const> numbers, const Word* x) const = 0;

  /// r = numbers below m², one a lane: 2·modulus_size() words each, least significant first.
  virtual void load_words(Word* r, const Word* values) const = 0;

  /// A half element of numbers below m, one a lane: modulus_size() words each.
  virtual void load_half_words(Word* r, const Word* values) const = 0;

  /// The number of every lane as its two halves a, then b, of a + b·m, both in [0, m): modulus_size() words
  /// each.
  virtual void store_words(Word* values, const Word* x) const = 0;

  /// The same for numbers that may be known: how many words of an Integer are used is no secret.
  void load(Word* r, std::span<const Integer> values) const;
  void load_half(Word* r, std::span<const Integer> values) const;

  struct Halves {
    Integer a;
    Integer b;
  };
  std::vector<Halves> store_halves(const Word* x) const;

  /// Whole numbers in [0, m²).
  std::vector<Integer> store(const Word* x) const;

 protected:
  PairArithmetic(std::size_t lanes, std::size_t modulus_size, std::size_t words, std::size_t number_words)
      : lanes_(lanes),
        modulus_size_(modulus_size),
        words_(words),
        half_words_(words / 2),
        number_words_(number_words) {}

 private:
  std::size_t lanes_;
  std::size_t modulus_size_;
  std::size_t words_;
  std::size_t half_words_;
  std::size_t number_words_;
};

}  // namespace opaline
