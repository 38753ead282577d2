#include "opaline/paillier/encryptor.h"

#include <algorithm>
#include <array>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/base/parallel.h"
#include "opaline/bigint/exponentiation.h"
#include "opaline/paillier/crt.h"
#include "opaline/paillier/noise.h"

namespace opaline {

/// Encrypts plaintexts in [0, n), at most parcel() at a time.
class Encryptor::Noise {
 public:
  Noise() = default;
  Noise(const Noise&) = delete;
  Noise& operator=(const Noise&) = delete;
  virtual ~Noise() = default;

  virtual std::size_t parcel() const = 0;
  virtual std::vector<Integer> encrypt(std::span<const Integer> plaintexts) const = 0;
};

class Encryptor::PublicNoise final : public Encryptor::Noise {
 public:
  PublicNoise(const PublicKey& key, const Backend& backend)
      : arithmetic_(uniform_arithmetic(backend, key.n())) {}

  std::size_t parcel() const override { return arithmetic_->lanes(); }

  std::vector<Integer> encrypt(std::span<const Integer> plaintexts) const override {
    const PairArithmetic& f = *arithmetic_;
    WordVector noise(f.words());
    WordVector message(f.half_words());
    fresh_public_noise(f, noise.data());
    for (std::size_t i = 0; i < plaintexts.size(); ++i) f.import_half_lane(message.data(), i, plaintexts[i]);
    f.mul_one_plus_km(noise.data(), noise.data(), message.data());
    std::vector<Integer> ciphertexts;
    ciphertexts.reserve(plaintexts.size());
    for (std::size_t i = 0; i < plaintexts.size(); ++i) ciphertexts.push_back(f.export_lane(noise.data(), i));
    return ciphertexts;
  }

 private:
  std::unique_ptr<const PairArithmetic> arithmetic_;
};

/// mod p²: (1 + m·n)·ρ = (1 + (m·q mod p)·p)·ρ_p with ρ_p uniform among the p-th powers; likewise mod q².
class Encryptor::OwnerNoise final : public Encryptor::Noise {
 public:
  OwnerNoise(const SecretKey& key, const Backend& backend) : crt_(key, backend) {
    if (!key.generator_p() || !key.generator_q()) return;
    const std::array<const Integer*, 2> generators = {&key.generator_p()->h.get(),
                                                      &key.generator_q()->h.get()};
    for (std::size_t group = 0; group < crt_.groups(); ++group)
      bases_.emplace_back(crt_.group(group).words());
    each_place(crt_.parcel(), [&](std::size_t /*i*/, std::size_t half, CrtArithmetic::Place place) {
      crt_.group(place.group).import_lane(bases_[place.group].data(), place.lane, *generators[half]);
    });
  }

  std::size_t parcel() const override { return crt_.parcel(); }

  std::vector<Integer> encrypt(std::span<const Integer> plaintexts) const override {
    std::vector<WordVector> elements = fresh_noise();
    std::vector<WordVector> messages;
    for (std::size_t group = 0; group < crt_.groups(); ++group)
      messages.emplace_back(crt_.group(group).half_words());
    each_place(plaintexts.size(), [&](std::size_t i, std::size_t half, CrtArithmetic::Place place) {
      const SecretInteger k(plaintexts[i] * crt_.prime(1 - half) % crt_.prime(half));
      crt_.group(place.group).import_half_lane(messages[place.group].data(), place.lane, k.get());
    });
    for (std::size_t group = 0; group < crt_.groups(); ++group) {
      crt_.group(group).mul_one_plus_km(elements[group].data(), elements[group].data(),
                                        messages[group].data());
    }
    std::vector<std::array<SecretInteger, 2>> halves(plaintexts.size());
    each_place(plaintexts.size(), [&](std::size_t i, std::size_t half, CrtArithmetic::Place place) {
      halves[i][half] =
          SecretInteger(crt_.group(place.group).export_lane(elements[place.group].data(), place.lane));
    });
    std::vector<Integer> ciphertexts;
    ciphertexts.reserve(plaintexts.size());
    for (const auto& [mod_p, mod_q] : halves)
      ciphertexts.push_back(crt_.combine_squares(mod_p.get(), mod_q.get()));
    return ciphertexts;
  }

 private:
  template <typename Body>
  void each_place(std::size_t ciphertexts, const Body& body) const {
    for (std::size_t i = 0; i < ciphertexts; ++i) {
      for (std::size_t half = 0; half < 2; ++half) body(i, half, crt_.place(i, half));
    }
  }

  /// One noise a lane, exactly uniform: a generator to a uniform exponent below its order; without generators
  /// u^p mod p² for uniform u, which depends on u mod p only and takes every p-th power once.
  std::vector<WordVector> fresh_noise() const {
    std::vector<WordVector> elements;
    for (std::size_t group = 0; group < crt_.groups(); ++group) {
      const PairArithmetic& f = crt_.group(group);
      WordVector& element = elements.emplace_back(f.words());
      std::vector<Integer> exponents(f.lanes());
      for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
        const Integer& prime = f.modulus(lane);
        if (bases_.empty()) {
          const SecretInteger base(1 + random_below(prime - 1));
          f.import_lane(element.data(), lane, base.get());
          exponents[lane] = prime;
        } else {
          exponents[lane] = random_below(prime - 1);
        }
      }
      pow(f, element.data(), bases_.empty() ? element.data() : bases_[group].data(), exponents,
          crt_.prime_bits());
      for (Integer& exponent : exponents) wipe(exponent);
    }
    return elements;
  }

  CrtArithmetic crt_;
  std::vector<WordVector> bases_;  ///< the generators, one element a group; empty if the key has none
};

Encryptor::Encryptor(const PublicKey& key, const Backend& backend)
    : noise_(std::make_unique<const PublicNoise>(key, backend)), key_(key) {}
Encryptor::Encryptor(const SecretKey& key, const Backend& backend)
    : noise_(std::make_unique<const OwnerNoise>(key, backend)), key_(key.public_key()) {}
Encryptor::Encryptor(Encryptor&&) noexcept = default;
Encryptor& Encryptor::operator=(Encryptor&&) noexcept = default;
Encryptor::~Encryptor() = default;

const PublicKey& Encryptor::public_key() const { return key_; }

Ciphertext Encryptor::encrypt(const Integer& plaintext) const {
  return encrypt(std::span<const Integer>(&plaintext, 1)).front();
}

std::vector<Ciphertext> Encryptor::encrypt(std::span<const Integer> plaintexts) const {
  const Integer half = key_.n() / 2;
  std::vector<Integer> residues;
  residues.reserve(plaintexts.size());
  for (const Integer& plaintext : plaintexts) {
    if (abs(plaintext) > half) throw Error(ErrorKind::out_of_range, "a plaintext lies outside (-n/2, n/2)");
    residues.push_back(floor_mod(plaintext, key_.n()));
  }
  std::vector<std::vector<Integer>> parcels(groups_of(residues.size(), noise_->parcel()));
  parallel_for(parcels.size(), [&](std::size_t i) {
    const std::size_t first = i * noise_->parcel();
    const std::size_t count = std::min(noise_->parcel(), residues.size() - first);
    parcels[i] = noise_->encrypt(std::span(residues).subspan(first, count));
  });
  for (Integer& residue : residues) wipe(residue);
  std::vector<Ciphertext> ciphertexts;
  ciphertexts.reserve(plaintexts.size());
  for (std::vector<Integer>& parcel : parcels) {
    for (Integer& value : parcel) ciphertexts.push_back(Ciphertext(key_, std::move(value)));
  }
  return ciphertexts;
}

}  // namespace opaline
