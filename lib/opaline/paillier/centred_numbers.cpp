#include "opaline/paillier/centred_numbers.h"

#include <gmp.h>

#include <algorithm>

#include "opaline/base/constant_time.h"
#include "opaline/base/error.h"

namespace opaline {

CentredNumbers::CentredNumbers(const Integer& n) : n_(words_for(bit_length(n))), half_(n_.size()) {
  to_words(n, n_);
  shift_right(half_, n_, 1);
}

void CentredNumbers::residue(std::span<Word> r, const Integer& value) const {
  if (!find_residue(r, value)) {
    throw Error(ErrorKind::out_of_range, "a plaintext lies outside (-n/2, n/2)");
  }
}

void CentredNumbers::any_residue(std::span<Word> r, const Integer& value) const {
  if (!find_residue(r, value)) to_words(floor_mod(value, from_words(n_)), r);
}

bool CentredNumbers::is_residue(std::span<const Word> residue, const Integer& value) const {
  WordVector r(n_.size());
  return find_residue(r, value) && declassified(is_equal(r, residue)) == 1;
}

bool CentredNumbers::find_residue(std::span<Word> r, const Integer& value) const {
  const mpz_srcptr number = value.backend().data();
  const std::size_t used = mpz_size(number);
  if (used > n_.size()) return false;
  std::copy_n(mpz_limbs_read(number), used, r.begin());
  std::fill(r.begin() + static_cast<std::ptrdiff_t>(used), r.end(), 0);
  if (declassified(is_below(half_, r)) == 1) return false;
  // The size of an mpz_t carries its sign.
  const Word negative = static_cast<Word>(static_cast<std::int64_t>(number->_mp_size) >> 63) & 1;
  WordVector opposite(n_.size());
  subtract(opposite, n_, r);
  assign_if(negative & (1 ^ is_zero(r)), r, opposite);
  return true;
}

Integer CentredNumbers::value(std::span<Word> residue) const {
  WordVector opposite(n_.size());
  subtract(opposite, n_, residue);
  const Word negative = is_below(half_, residue);
  assign_if(negative, residue, opposite);
  // From here on the plaintext is its owner's.
  declassify(residue);
  const Integer value = from_words(residue);
  return declassified(negative) == 1 ? Integer(-value) : value;
}

}  // namespace opaline
