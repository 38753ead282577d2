#include <algorithm>
#include <utility>

#include "opaline/base/constant_time.h"
#include "opaline/base/error.h"
#include "opaline/bigint/batch_inversion.h"
#include "opaline/bigint/exponentiation.h"
#include "opaline/bigint/fixed_base.h"
#include "opaline/paillier/noise.h"
#include "opaline/paillier/noise_source.h"

namespace opaline {
namespace {

class PublicNoise final : public NoiseSource {
 public:
  PublicNoise(const PublicKey& key, const Backend& backend)
      : arithmetic_(uniform_arithmetic(backend, key.n())) {}

  std::size_t parcel() const override { return arithmetic_->lanes(); }
  std::size_t parcels_at_a_time() const override { return 1; }
  std::size_t table_bytes() const override { return 0; }

  std::size_t parts() const override { return 1; }

  std::unique_ptr<Batch> begin(std::span<const Word> plaintexts) const override {
    return std::make_unique<Powers>(*arithmetic_, plaintexts);
  }

 private:
  /// Group of lanes after group of lanes.
  class Powers final : public Batch {
   public:
    Powers(const PairArithmetic& arithmetic, std::span<const Word> plaintexts)
        : f_(arithmetic),
          plaintexts_(plaintexts),
          noise_(groups_of(plaintexts.size() / f_.modulus_size(), f_.lanes())) {
      for (std::size_t group = 0; group < noise_.size(); ++group) {
        noise_[group].resize(f_.words());
        load_random_units(f_, noise_[group].data(), count(group));
      }
    }

    void make(std::size_t /*part*/) override {
      for (WordVector& group : noise_) pow_vartime(f_, group.data(), group.data(), f_.modulus(0));
    }

    std::vector<Integer> take() override {
      std::vector<Integer> ciphertexts;
      for (std::size_t group = 0; group < noise_.size(); ++group) {
        hide(f_,
             plaintexts_.subspan(group * f_.lanes() * f_.modulus_size(), count(group) * f_.modulus_size()),
             noise_[group].data(), ciphertexts);
      }
      return ciphertexts;
    }

   private:
    std::size_t count(std::size_t group) const {
      return std::min(f_.lanes(), plaintexts_.size() / f_.modulus_size() - group * f_.lanes());
    }

    const PairArithmetic& f_;
    std::span<const Word> plaintexts_;
    std::vector<WordVector> noise_;
  };

  std::unique_ptr<const PairArithmetic> arithmetic_;
};

/// x uniform in Z*_n, h = −x² mod n, h_s = h^n mod n²; noise is h_s^e, e uniform of half the bits of n
/// (Damgård, Jurik, Nielsen 2010, section 4.2; that half are enough: Goldreich, Rosen 2003).
class DjnNoise final : public NoiseSource {
 public:
  DjnNoise(const PublicKey& key, const Backend& backend)
      : arithmetic_(uniform_arithmetic(backend, key.n())),
        exponent_bits_(key.bits() / 2),
        powers_(make_powers(*arithmetic_, key)) {}

  std::size_t parcel() const override { return arithmetic_->lanes(); }
  std::size_t parcels_at_a_time() const override { return kShareTables; }
  std::size_t table_bytes() const override { return powers_.table_bytes(); }

  std::size_t parts() const override { return 1; }

  std::unique_ptr<Batch> begin(std::span<const Word> plaintexts) const override {
    return std::make_unique<ShortPowers>(*this, plaintexts);
  }

 private:
  class ShortPowers final : public Batch {
   public:
    ShortPowers(const DjnNoise& source, std::span<const Word> plaintexts)
        : source_(source), f_(*source.arithmetic_), plaintexts_(plaintexts) {
      const std::size_t count = plaintexts.size() / f_.modulus_size();
      const std::size_t size = words_for(source.exponent_bits_);
      noise_.assign(groups_of(count, f_.lanes()), WordVector(f_.words()));
      exponents_.resize(noise_.size() * f_.lanes() * size);
      WordVector end(words_for(source.exponent_bits_ + 1));  // of all exponents
      end[source.exponent_bits_ / 64] = Word{1} << (source.exponent_bits_ % 64);
      WordVector exponent(end.size());
      for (std::size_t i = 0; i < count; ++i) {
        random_below(exponent, end);
        std::copy_n(exponent.begin(), size, exponents_.begin() + static_cast<std::ptrdiff_t>(i * size));
      }
    }

    void make(std::size_t /*part*/) override { source_.powers_.pow(noise_, exponents_); }

    std::vector<Integer> take() override {
      std::vector<Integer> ciphertexts;
      const std::size_t group_size = f_.lanes() * f_.modulus_size();
      for (std::size_t group = 0; group < noise_.size(); ++group) {
        const std::size_t first = group * group_size;
        hide(f_, plaintexts_.subspan(first, std::min(group_size, plaintexts_.size() - first)),
             noise_[group].data(), ciphertexts);
      }
      return ciphertexts;
    }

   private:
    const DjnNoise& source_;
    const PairArithmetic& f_;
    std::span<const Word> plaintexts_;
    WordVector exponents_;
    std::vector<WordVector> noise_;
  };

  static FixedBase make_powers(const PairArithmetic& f, const PublicKey& key) {
    // h_s = −(x^n)², since n is odd. It is part of a public key.
    WordVector base(f.words());
    fresh_public_noise(f, base.data(), 1);
    f.sqr(base.data(), base.data());
    declassify(base.data(), base.size() * sizeof(Word));
    const Integer h = key.n_squared() - f.store(base.data()).front();
    f.load(base.data(), std::vector<Integer>(f.lanes(), h));
    const auto inverse = invert_batch_vartime(f, base.data(), 1);
    if (!inverse) throw Error(ErrorKind::fault, "a power of a unit is no unit: a computing fault");
    return {f, base.data(), inverse->data(), key.bits() / 2};
  }

  std::unique_ptr<const PairArithmetic> arithmetic_;
  std::size_t exponent_bits_;
  FixedBase powers_;
};

}  // namespace

std::unique_ptr<const NoiseSource> public_noise(const PublicKey& key, const Backend& backend) {
  return std::make_unique<const PublicNoise>(key, backend);
}

std::unique_ptr<const NoiseSource> djn_noise(const PublicKey& key, const Backend& backend) {
  return std::make_unique<const DjnNoise>(key, backend);
}

}  // namespace opaline
