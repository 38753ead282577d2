#include "opaline/paillier/decryptor.h"

#include <algorithm>
#include <array>

#include "opaline/base/error.h"
#include "opaline/base/parallel.h"
#include "opaline/bigint/exponentiation.h"
#include "opaline/paillier/crt.h"
#include "opaline/paillier/lane_widths.h"
#include "opaline/paillier/noise.h"

namespace opaline {

/// With g = n + 1, c^(p−1) = (1 + m·n)^(p−1) = 1 + m·(p−1)·q·p mod p², so L_p(c) = −m·q mod p (Paillier 1999,
/// section 7).
struct Decryptor::Halves {
  Halves(const SecretKey& key, const Backend& backend)
      : crt(key, backend, CrtArithmetic::Halves::side_by_side) {
    for (std::size_t half = 0; half < 2; ++half) {
      const Integer& prime = crt.prime(half);
      squares[half] = SecretInteger(prime * prime);
      factors[half] = SecretInteger(prime - invert_vartime(crt.prime(1 - half), prime));
    }
  }

  std::vector<Integer> decrypt(std::span<const Integer* const> ciphertexts) const {
    std::vector<Integer> residues;  // of ciphertext 0 mod p, mod q, of ciphertext 1 …
    for (std::size_t group = 0; group < crt.groups(); ++group) {
      const PairArithmetic& f = crt.group(group);
      WordVector element(f.words());
      std::vector<Integer> lanes(f.lanes(), 1);
      std::vector<Integer> exponents(f.lanes());
      for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
        const std::size_t i = crt.ciphertext(lane);
        if (i < ciphertexts.size()) lanes[lane] = *ciphertexts[i] % squares[crt.half(group, lane)].get();
        exponents[lane] = f.modulus(lane) - 1;
      }
      f.load(element.data(), lanes);
      pow(f, element.data(), element.data(), exponents, crt.prime_bits());
      for (Integer& exponent : exponents) wipe(exponent);
      std::vector<PairArithmetic::Halves> powers = f.store_halves(element.data());
      for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
        auto& [one, logarithm] = powers[lane];
        if (one != 1) {
          throw Error(ErrorKind::fault,
                      "decryption contradicted itself (a damaged ciphertext or a computing fault)");
        }
        residues.push_back(logarithm * factors[crt.half(group, lane)].get() % f.modulus(lane));
        wipe(logarithm);
      }
    }
    std::vector<Integer> plaintexts;
    for (std::size_t i = 0; i < ciphertexts.size(); ++i) {
      plaintexts.push_back(crt.combine(residues[2 * i], residues[2 * i + 1]));
    }
    for (Integer& residue : residues) wipe(residue);
    return plaintexts;
  }

  CrtArithmetic crt;
  std::array<SecretInteger, 2> squares;
  std::array<SecretInteger, 2> factors;  ///< −q^−1 mod p and −p^−1 mod q
};

Decryptor::Decryptor(const SecretKey& key, const Backend& backend)
    : halves_(std::make_unique<const Halves>(key, backend)), key_(key.public_key()) {
  const Backend& quick = quick_backend(backend);
  if (&quick != &backend) narrow_halves_ = std::make_unique<const Halves>(key, quick);
}
Decryptor::Decryptor(Decryptor&&) noexcept = default;
Decryptor& Decryptor::operator=(Decryptor&&) noexcept = default;
Decryptor::~Decryptor() = default;

const PublicKey& Decryptor::public_key() const { return key_; }

std::vector<Integer> Decryptor::decrypt_values(std::span<const Integer* const> values) const {
  const bool narrow = narrow_halves_ && narrow_is_sooner(2 * values.size(), halves_->crt.group(0).lanes(),
                                                         narrow_halves_->crt.group(0).lanes());
  const Halves& halves = narrow ? *narrow_halves_ : *halves_;
  const std::size_t parcel = halves.crt.parcel();
  std::vector<std::vector<Integer>> parcels(groups_of(values.size(), parcel));
  parallel_for(parcels.size(), [&](std::size_t i) {
    const std::size_t first = i * parcel;
    parcels[i] = halves.decrypt(values.subspan(first, std::min(parcel, values.size() - first)));
  });
  const Integer half = key_.n() / 2;
  std::vector<Integer> plaintexts;
  plaintexts.reserve(values.size());
  for (const std::vector<Integer>& residues : parcels) {
    for (const Integer& residue : residues)
      plaintexts.push_back(residue > half ? Integer(residue - key_.n()) : residue);
  }
  return plaintexts;
}

Integer Decryptor::decrypt(const EvaluatedCiphertext& ciphertext) const {
  check_key(ciphertext.key());
  const Integer* const value = &ciphertext.value_;
  return decrypt_values(std::span(&value, 1)).front();
}

std::vector<Integer> Decryptor::decrypt(std::span<const Ciphertext> ciphertexts) const {
  std::vector<const Integer*> values;
  values.reserve(ciphertexts.size());
  for (const Ciphertext& ciphertext : ciphertexts) {
    check_key(ciphertext.key());
    values.push_back(&ciphertext.value());
  }
  return decrypt_values(values);
}

void Decryptor::check_key(const PublicKey& key) const {
  if (key != key_) throw Error(ErrorKind::wrong_key, "the ciphertext was made for another key");
}

}  // namespace opaline
