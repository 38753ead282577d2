#include "opaline/paillier/decryptor.h"

#include <algorithm>
#include <array>

#include "opaline/base/error.h"
#include "opaline/base/parallel.h"
#include "opaline/bigint/exponentiation.h"
#include "opaline/paillier/crt.h"
#include "opaline/paillier/noise.h"

namespace opaline {

/// With g = n + 1, c^(p−1) = (1 + m·n)^(p−1) = 1 + m·(p−1)·q·p mod p², so L_p(c) = −m·q mod p (Paillier 1999,
/// section 7).
struct Decryptor::Halves {
  Halves(const SecretKey& key, const Backend& backend) : crt(key, backend) {
    for (std::size_t half = 0; half < 2; ++half) {
      const Integer& prime = crt.prime(half);
      squares[half] = SecretInteger(prime * prime);
      factors[half] = SecretInteger(prime - invert_vartime(crt.prime(1 - half), prime));
    }
  }

  std::vector<Integer> decrypt(std::span<const Integer* const> ciphertexts) const {
    std::vector<WordVector> elements;
    for (std::size_t group = 0; group < crt.groups(); ++group) {
      const PairArithmetic& f = crt.group(group);
      WordVector& element = elements.emplace_back(f.words());
      for (std::size_t i = 0; i < ciphertexts.size(); ++i) {
        for (std::size_t half = 0; half < 2; ++half) {
          const CrtArithmetic::Place place = crt.place(i, half);
          if (place.group != group) continue;
          const SecretInteger residue(*ciphertexts[i] % squares[half].get());
          f.import_lane(element.data(), place.lane, residue.get());
        }
      }
      std::vector<Integer> exponents;
      for (std::size_t lane = 0; lane < f.lanes(); ++lane) exponents.push_back(f.modulus(lane) - 1);
      pow(f, element.data(), element.data(), exponents, crt.prime_bits());
      for (Integer& exponent : exponents) wipe(exponent);
    }
    std::vector<Integer> plaintexts;
    for (std::size_t i = 0; i < ciphertexts.size(); ++i) {
      std::array<SecretInteger, 2> residues;
      for (std::size_t half = 0; half < 2; ++half) {
        const CrtArithmetic::Place place = crt.place(i, half);
        PairArithmetic::Halves power =
            crt.group(place.group).export_halves(elements[place.group].data(), place.lane);
        if (power.a != 1) {
          throw Error(ErrorKind::fault,
                      "decryption contradicted itself (a damaged ciphertext or a computing fault)");
        }
        residues[half] = SecretInteger(power.b * factors[half].get() % crt.prime(half));
        wipe(power.b);
      }
      plaintexts.push_back(crt.combine(residues[0].get(), residues[1].get()));
    }
    return plaintexts;
  }

  CrtArithmetic crt;
  std::array<SecretInteger, 2> squares;
  std::array<SecretInteger, 2> factors;  ///< −q^−1 mod p and −p^−1 mod q
};

Decryptor::Decryptor(const SecretKey& key, const Backend& backend)
    : halves_(std::make_unique<const Halves>(key, backend)), key_(key.public_key()) {}
Decryptor::Decryptor(Decryptor&&) noexcept = default;
Decryptor& Decryptor::operator=(Decryptor&&) noexcept = default;
Decryptor::~Decryptor() = default;

const PublicKey& Decryptor::public_key() const { return key_; }

std::vector<Integer> Decryptor::decrypt_values(std::span<const Integer* const> values) const {
  const std::size_t parcel = halves_->crt.parcel();
  std::vector<std::vector<Integer>> parcels(groups_of(values.size(), parcel));
  parallel_for(parcels.size(), [&](std::size_t i) {
    const std::size_t first = i * parcel;
    parcels[i] = halves_->decrypt(values.subspan(first, std::min(parcel, values.size() - first)));
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
