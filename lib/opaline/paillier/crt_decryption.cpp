#include "opaline/paillier/crt_decryption.h"

#include <algorithm>
#include <vector>

#include "opaline/base/constant_time.h"
#include "opaline/base/error.h"
#include "opaline/base/parallel.h"
#include "opaline/bigint/exponentiation.h"
#include "opaline/paillier/crt.h"
#include "opaline/paillier/lane_widths.h"
#include "opaline/paillier/noise.h"

namespace opaline {

/// With g = n + 1, c^(p−1) = (1 + m·n)^(p−1) = 1 + m·(p−1)·q·p mod p², so L_p(c) = −m·q mod p (Paillier 1999,
/// section 7).
struct CrtDecryption::Halves {
  Halves(const SecretKey& key, const Backend& backend)
      : crt(key, backend, CrtArithmetic::Halves::side_by_side) {}

  /// Plaintexts in [0, n), in n_size() words each.
  WordVector decrypt(std::span<const Integer* const> ciphertexts) const {
    const std::size_t size = crt.prime_size();
    WordVector residues(2 * crt.parcel() * size);  // of ciphertext 0 mod p, mod q, of ciphertext 1 …
    WordVector ciphertext(crt.n_squared_size());
    Word right = 1;
    for (std::size_t group = 0; group < crt.groups(); ++group) {
      const PairArithmetic& f = crt.group(group);
      WordVector numbers(2 * f.lanes() * size);
      WordVector exponents(f.lanes() * size);
      for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
        const std::size_t half = crt.half(group, lane);
        const std::size_t i = crt.ciphertext(lane);
        const auto number = std::span(numbers).subspan(2 * lane * size, 2 * size);
        if (i < ciphertexts.size()) {
          to_words(*ciphertexts[i], ciphertext);
          crt.reduce_square(number, ciphertext, half);
        } else {
          number[0] = 1;
        }
        const auto exponent = std::span(exponents).subspan(lane * size, size);
        const WordVector order = crt.order(half);
        std::copy(order.begin(), order.end(), exponent.begin());
      }
      WordVector element(f.words());
      f.load_words(element.data(), numbers.data());
      pow(f, element.data(), element.data(), exponents, crt.prime_bits());
      f.store_words(numbers.data(), element.data());
      WordVector one(size);
      one[0] = 1;
      for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
        const std::size_t half = crt.half(group, lane);
        const auto power = std::span<const Word>(numbers).subspan(2 * lane * size, 2 * size);
        right &= is_equal(power.first(size), one);
        crt.multiply_mod(std::span(residues).subspan((2 * crt.ciphertext(lane) + half) * size, size),
                         power.last(size), crt.minus_inverse(half), half);
      }
    }
    if (declassified(right) == 0) {
      throw Error(ErrorKind::fault,
                  "decryption contradicted itself (a damaged ciphertext or a computing fault)");
    }
    WordVector plaintexts(ciphertexts.size() * crt.n_size());
    for (std::size_t i = 0; i < ciphertexts.size(); ++i) {
      const auto halves = std::span<const Word>(residues).subspan(2 * i * size, 2 * size);
      crt.combine(std::span(plaintexts).subspan(i * crt.n_size(), crt.n_size()), halves.first(size),
                  halves.last(size));
    }
    return plaintexts;
  }

  CrtArithmetic crt;
};

CrtDecryption::CrtDecryption(const SecretKey& key, const Backend& backend)
    : halves_(std::make_unique<const Halves>(key, backend)) {
  const Backend& quick = quick_backend(backend);
  if (&quick != &backend) narrow_halves_ = std::make_unique<const Halves>(key, quick);
}
CrtDecryption::CrtDecryption(CrtDecryption&&) noexcept = default;
CrtDecryption& CrtDecryption::operator=(CrtDecryption&&) noexcept = default;
CrtDecryption::~CrtDecryption() = default;

WordVector CrtDecryption::decrypt(std::span<const Integer* const> ciphertexts) const {
  const bool narrow =
      narrow_halves_ && narrow_is_sooner(2 * ciphertexts.size(), halves_->crt.group(0).lanes(),
                                         narrow_halves_->crt.group(0).lanes());
  const Halves& halves = narrow ? *narrow_halves_ : *halves_;
  const std::size_t parcel = halves.crt.parcel();
  const std::size_t size = halves.crt.n_size();
  WordVector plaintexts(ciphertexts.size() * size);
  parallel_for(groups_of(ciphertexts.size(), parcel), [&](std::size_t i) {
    const std::size_t first = i * parcel;
    const WordVector some =
        halves.decrypt(ciphertexts.subspan(first, std::min(parcel, ciphertexts.size() - first)));
    std::copy(some.begin(), some.end(), plaintexts.begin() + static_cast<std::ptrdiff_t>(first * size));
  });
  return plaintexts;
}

}  // namespace opaline
