#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "opaline/base/constant_time.h"
#include "opaline/bigint/exponentiation.h"
#include "opaline/bigint/fixed_base.h"
#include "opaline/paillier/crt.h"
#include "opaline/paillier/noise.h"
#include "opaline/paillier/noise_source.h"

namespace opaline {
namespace {

/// mod p²: (1 + m·n)·ρ = (1 + (m·q mod p)·p)·ρ_p with ρ_p uniform among the p-th powers; likewise mod q².
/// Constant-time in the key, the noise and the plaintexts.
class OwnerNoise final : public OwnerNoiseSource {
 public:
  OwnerNoise(const SecretKey& key, const Backend& backend)
      : crt_(key, backend, CrtArithmetic::Halves::apart) {
    for (std::size_t group = 0; group < crt_.groups(); ++group) {
      const PairArithmetic& f = crt_.group(group);
      const std::size_t half = crt_.half(group, 0);
      cofactors_.push_back(element_of(f, crt_.cofactor(half)));
      others_.emplace_back(f.half_words());
      f.load_half_words(others_.back().data(), repeated(crt_.other_prime(half), f.lanes()).data());
    }
    if (!key.generator_p() || !key.generator_q()) return;
    const std::array<std::span<const Word>, 2> generators = {key.generator_p()->h.words(),
                                                             key.generator_q()->h.words()};
    for (std::size_t group = 0; group < crt_.groups(); ++group) {
      const PairArithmetic& f = crt_.group(group);
      const WordVector base = element_of(f, generators[crt_.half(group, 0)]);
      // The generator's order is p − 1, so its inverse is its power with the exponent p − 2.
      WordVector exponent(crt_.prime_size());
      WordVector two(crt_.prime_size());
      two[0] = 2;
      subtract(exponent, crt_.prime(crt_.half(group, 0)), two);
      WordVector inverse(f.words());
      pow(f, inverse.data(), base.data(), repeated(exponent, f.lanes()), crt_.prime_bits());
      tables_.emplace_back(f, base.data(), inverse.data(), crt_.prime_bits());
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

  std::unique_ptr<Batch> begin(std::span<const Word> plaintexts) const override {
    return std::make_unique<HalfByHalf>(*this, plaintexts, Noise::fresh);
  }

  Integer bare(std::span<const Word> plaintext) const override {
    HalfByHalf one(*this, plaintext, Noise::none);
    for (std::size_t group = 0; group < parts(); ++group) one.make(group);
    return std::move(one.take().front());
  }

 private:
  static WordVector repeated(std::span<const Word> words, std::size_t times) {
    WordVector all;
    for (std::size_t i = 0; i < times; ++i) all.insert(all.end(), words.begin(), words.end());
    return all;
  }

  /// The number in every lane; it may have fewer words than a square.
  static WordVector element_of(const PairArithmetic& f, std::span<const Word> words) {
    WordVector number(2 * f.modulus_size());
    std::copy(words.begin(), words.end(), number.begin());
    WordVector element(f.words());
    f.load_words(element.data(), repeated(number, f.lanes()).data());
    return element;
  }

  static WordVector one_of(const PairArithmetic& f) {
    WordVector one(f.words());
    set_one(f, one.data());
    return one;
  }

  /// Where the half in a lane stands among those of a parcel: of ciphertext 0 mod p², mod q², of 1 …
  std::size_t place(std::size_t element, std::size_t group, std::size_t lane) const {
    return 2 * (element * crt_.parcel() + crt_.ciphertext(lane)) + crt_.half(group, lane);
  }

  /// What the noise of each half is made from: an exponent below the order of the generator; without
  /// generators a base in [1, p). Drawn in the order of the ciphertexts, so that backends agree.
  WordVector draw_secrets(std::size_t ciphertexts, std::size_t places) const {
    const Word least = tables_.empty() ? 1 : 0;
    const std::size_t size = crt_.prime_size();
    const std::array<WordVector, 2> orders = {crt_.order(0), crt_.order(1)};
    WordVector secrets(2 * places * size);
    for (std::size_t i = 0; i < 2 * places; ++i) {
      const auto secret = std::span(secrets).subspan(i * size, size);
      if (i < 2 * ciphertexts) random_below(secret, orders[i % 2]);
      add_word(secret, least);
    }
    return secrets;
  }

  /// Exactly uniform noise in every lane: a generator to a uniform exponent; without generators u^p mod p²
  /// for uniform u, which depends on u mod p only and takes every p-th power once.
  std::vector<WordVector> make_noise(std::size_t group, std::size_t elements,
                                     std::span<const Word> secrets) const {
    const PairArithmetic& f = crt_.group(group);
    const std::size_t size = crt_.prime_size();
    std::vector<WordVector> noise(elements, WordVector(f.words()));
    const auto secret = [&](std::size_t element, std::size_t lane) {
      return secrets.subspan(place(element, group, lane) * size, size);
    };
    const auto copy = [](std::span<const Word> from, std::span<Word> to) {
      std::copy(from.begin(), from.end(), to.begin());
    };
    if (tables_.empty()) {
      const WordVector primes = repeated(crt_.prime(crt_.half(group, 0)), f.lanes());
      WordVector bases(2 * f.lanes() * size);
      for (std::size_t element = 0; element < elements; ++element) {
        for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
          copy(secret(element, lane), std::span(bases).subspan(2 * lane * size, size));
        }
        f.load_words(noise[element].data(), bases.data());
        pow(f, noise[element].data(), noise[element].data(), primes, crt_.prime_bits());
      }
    } else {
      WordVector exponents(elements * f.lanes() * size);
      for (std::size_t element = 0; element < elements; ++element) {
        for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
          copy(secret(element, lane),
               std::span(exponents).subspan((element * f.lanes() + lane) * size, size));
        }
      }
      tables_[group].pow(noise, exponents);
    }
    return noise;
  }

  enum class Noise { fresh, none };

  class HalfByHalf final : public Batch {
   public:
    HalfByHalf(const OwnerNoise& source, std::span<const Word> plaintexts, Noise noise)
        : source_(source),
          noise_(noise),
          plaintexts_(plaintexts),
          count_(plaintexts.size() / source.crt_.n_size()),
          elements_(groups_of(count_, source.crt_.parcel())),
          secrets_(noise == Noise::none ? WordVector()
                                        : source.draw_secrets(count_, elements_ * source.crt_.parcel())),
          halves_(2 * elements_ * source.crt_.parcel() * 2 * source.crt_.prime_size()) {}

    void make(std::size_t group) override {
      const CrtArithmetic& crt = source_.crt_;
      const PairArithmetic& f = crt.group(group);
      const std::size_t size = crt.prime_size();
      std::vector<WordVector> noise = noise_ == Noise::none ? std::vector<WordVector>(elements_, one_of(f))
                                                            : source_.make_noise(group, elements_, secrets_);
      WordVector message(f.half_words());
      WordVector residues(f.lanes() * size);
      WordVector numbers(2 * f.lanes() * size);
      for (std::size_t element = 0; element < elements_; ++element) {
        for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
          const std::size_t i = source_.place(element, group, lane) / 2;
          const auto residue = std::span(residues).subspan(lane * size, size);
          if (i < count_) {
            crt.reduce(residue, plaintexts_.subspan(i * crt.n_size(), crt.n_size()), crt.half(group, lane));
          } else {
            std::fill(residue.begin(), residue.end(), 0);
          }
        }
        f.load_half_words(message.data(), residues.data());
        f.mul_halves(message.data(), message.data(), source_.others_[group].data());
        f.mul_one_plus_km(noise[element].data(), noise[element].data(), message.data());
        f.mul(noise[element].data(), noise[element].data(), source_.cofactors_[group].data());
        f.store_words(numbers.data(), noise[element].data());
        for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
          crt.join(half(source_.place(element, group, lane)),
                   std::span<const Word>(numbers).subspan(2 * lane * size, 2 * size), crt.half(group, lane));
        }
      }
    }

    std::vector<Integer> take() override {
      const CrtArithmetic& crt = source_.crt_;
      WordVector ciphertext(crt.n_squared_size());
      std::vector<Integer> ciphertexts;
      ciphertexts.reserve(count_);
      for (std::size_t i = 0; i < count_; ++i) {
        crt.combine_squares(ciphertext, half(2 * i), half(2 * i + 1));
        // Ciphertexts may be known.
        declassify(std::span<const Word>(ciphertext));
        ciphertexts.push_back(from_words(ciphertext));
      }
      return ciphertexts;
    }

    std::span<const Word> exponents() const override {
      if (source_.tables_.empty() || noise_ == Noise::none) return {};
      return std::span<const Word>(secrets_).first(2 * count_ * source_.crt_.prime_size());
    }

   private:
    std::span<Word> half(std::size_t place) {
      const std::size_t size = 2 * source_.crt_.prime_size();
      return std::span(halves_).subspan(place * size, size);
    }

    const OwnerNoise& source_;
    Noise noise_;
    std::span<const Word> plaintexts_;
    std::size_t count_;
    std::size_t elements_;
    WordVector secrets_;
    WordVector halves_;  ///< of ciphertext 0 mod p², mod q², of ciphertext 1 …
  };

  CrtArithmetic crt_;
  std::vector<WordVector> cofactors_;  ///< of CrtArithmetic, one a group
  std::vector<WordVector> others_;     ///< half elements: q mod p, and p mod q
  std::vector<FixedBase> tables_;      ///< of the generators, one a group; empty if the key has none
};

}  // namespace

std::unique_ptr<const OwnerNoiseSource> owner_noise(const SecretKey& key, const Backend& backend) {
  return std::make_unique<const OwnerNoise>(key, backend);
}

}  // namespace opaline
