#include <array>
#include <numeric>
#include <utility>

#include "opaline/bigint/exponentiation.h"
#include "opaline/bigint/fixed_base.h"
#include "opaline/paillier/crt.h"
#include "opaline/paillier/noise.h"
#include "opaline/paillier/noise_source.h"

namespace opaline {
namespace {

/// mod p²: (1 + m·n)·ρ = (1 + (m·q mod p)·p)·ρ_p with ρ_p uniform among the p-th powers; likewise mod q².
class OwnerNoise final : public NoiseSource {
 public:
  OwnerNoise(const SecretKey& key, const Backend& backend)
      : crt_(key, backend, CrtArithmetic::Halves::apart) {
    for (std::size_t group = 0; group < crt_.groups(); ++group) {
      const PairArithmetic& f = crt_.group(group);
      cofactors_.emplace_back(f.words());
      std::vector<Integer> lanes(f.lanes(), crt_.cofactor(crt_.half(group, 0)));
      f.load(cofactors_.back().data(), lanes);
      wipe_all(lanes);
    }
    if (!key.generator_p() || !key.generator_q()) return;
    const std::array<const Integer*, 2> generators = {&key.generator_p()->h.get(),
                                                      &key.generator_q()->h.get()};
    for (std::size_t group = 0; group < crt_.groups(); ++group) {
      const PairArithmetic& f = crt_.group(group);
      std::vector<Integer> lanes(f.lanes());
      for (std::size_t lane = 0; lane < f.lanes(); ++lane) lanes[lane] = *generators[crt_.half(group, lane)];
      WordVector base(f.words());
      f.load(base.data(), lanes);
      // The generator's order is p − 1, so its inverse is its power with the exponent p − 2.
      for (std::size_t lane = 0; lane < f.lanes(); ++lane) lanes[lane] = f.modulus(lane) - 2;
      WordVector inverse(f.words());
      pow(f, inverse.data(), base.data(), lanes, crt_.prime_bits());
      tables_.emplace_back(f, base.data(), inverse.data(), crt_.prime_bits());
      wipe_all(lanes);
    }
  }

  std::size_t parcel() const override { return crt_.parcel(); }

  std::size_t parcels_at_a_time() const override { return kShareTables; }

  std::size_t table_bytes() const override {
    return std::accumulate(tables_.begin(), tables_.end(), std::size_t{0},
                           [](std::size_t sum, const FixedBase& table) { return sum + table.table_bytes(); });
  }

  /// One half of all ciphertexts each, so that threads read one table each.
  std::size_t parts() const override { return crt_.groups(); }

  std::unique_ptr<Batch> begin(std::span<const Integer> plaintexts) const override {
    return std::make_unique<HalfByHalf>(*this, plaintexts);
  }

 private:
  static void wipe_all(std::vector<Integer>& numbers) {
    for (Integer& number : numbers) wipe(number);
  }

  /// Where the half in a lane stands among those of a parcel: of ciphertext 0 mod p², mod q², of 1 …
  std::size_t place(std::size_t element, std::size_t group, std::size_t lane) const {
    return 2 * (element * crt_.parcel() + crt_.ciphertext(lane)) + crt_.half(group, lane);
  }

  /// What the noise of each half is made from: an exponent below the order of the generator; without
  /// generators a base in [1, p). Drawn in the order of the ciphertexts, so that backends agree.
  std::vector<Integer> draw_secrets(std::size_t ciphertexts, std::size_t places) const {
    const int least = tables_.empty() ? 1 : 0;
    std::vector<Integer> secrets(2 * places, least);
    for (std::size_t i = 0; i < 2 * ciphertexts; ++i) {
      secrets[i] = random_below(crt_.prime(i % 2) - 1) + least;
    }
    return secrets;
  }

  /// Exactly uniform noise in every lane: a generator to a uniform exponent; without generators u^p mod p²
  /// for uniform u, which depends on u mod p only and takes every p-th power once.
  std::vector<WordVector> make_noise(std::size_t group, std::size_t elements,
                                     std::span<const Integer> secrets) const {
    const PairArithmetic& f = crt_.group(group);
    std::vector<WordVector> noise(elements, WordVector(f.words()));
    std::vector<std::vector<Integer>> lanes(elements, std::vector<Integer>(f.lanes()));
    for (std::size_t element = 0; element < elements; ++element) {
      for (std::size_t lane = 0; lane < f.lanes(); ++lane)
        lanes[element][lane] = secrets[place(element, group, lane)];
    }
    if (tables_.empty()) {
      std::vector<Integer> primes(f.lanes());
      for (std::size_t lane = 0; lane < f.lanes(); ++lane) primes[lane] = f.modulus(lane);
      for (std::size_t element = 0; element < elements; ++element) {
        f.load(noise[element].data(), lanes[element]);
        pow(f, noise[element].data(), noise[element].data(), primes, crt_.prime_bits());
      }
      wipe_all(primes);
    } else {
      tables_[group].pow(noise, lanes);
    }
    for (std::vector<Integer>& numbers : lanes) wipe_all(numbers);
    return noise;
  }

  class HalfByHalf final : public Batch {
   public:
    HalfByHalf(const OwnerNoise& source, std::span<const Integer> plaintexts)
        : source_(source),
          plaintexts_(plaintexts),
          elements_(groups_of(plaintexts.size(), source.crt_.parcel())),
          secrets_(source.draw_secrets(plaintexts.size(), elements_ * source.crt_.parcel())),
          halves_(secrets_.size()) {}

    void make(std::size_t group) override {
      const CrtArithmetic& crt = source_.crt_;
      const PairArithmetic& f = crt.group(group);
      std::vector<WordVector> noise = source_.make_noise(group, elements_, secrets_);
      for (std::size_t element = 0; element < elements_; ++element) {
        WordVector message(f.half_words());
        std::vector<Integer> lanes(f.lanes());
        for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
          const std::size_t i = source_.place(element, group, lane) / 2;
          const std::size_t half = crt.half(group, lane);
          if (i < plaintexts_.size()) lanes[lane] = plaintexts_[i] * crt.prime(1 - half) % crt.prime(half);
        }
        f.load_half(message.data(), lanes);
        wipe_all(lanes);
        f.mul_one_plus_km(noise[element].data(), noise[element].data(), message.data());
        f.mul(noise[element].data(), noise[element].data(), source_.cofactors_[group].data());
        lanes = f.store(noise[element].data());
        for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
          halves_[source_.place(element, group, lane)] = std::move(lanes[lane]);
        }
      }
    }

    std::vector<Integer> take() override {
      wipe_all(secrets_);
      std::vector<Integer> ciphertexts;
      ciphertexts.reserve(plaintexts_.size());
      for (std::size_t i = 0; i < plaintexts_.size(); ++i) {
        ciphertexts.push_back(source_.crt_.combine_squares(halves_[2 * i], halves_[2 * i + 1]));
      }
      wipe_all(halves_);
      return ciphertexts;
    }

   private:
    const OwnerNoise& source_;
    std::span<const Integer> plaintexts_;
    std::size_t elements_;
    std::vector<Integer> secrets_;
    std::vector<Integer> halves_;  ///< of ciphertext 0 mod p², mod q², of ciphertext 1 …
  };

  CrtArithmetic crt_;
  std::vector<WordVector> cofactors_;  ///< of CrtArithmetic, one a group
  std::vector<FixedBase> tables_;      ///< of the generators, one a group; empty if the key has none
};

}  // namespace

std::unique_ptr<const NoiseSource> owner_noise(const SecretKey& key, const Backend& backend) {
  return std::make_unique<const OwnerNoise>(key, backend);
}

}  // namespace opaline
