#include <algorithm>
#include <utility>

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

  std::vector<Integer> encrypt(std::span<const Integer> plaintexts) const override {
    const PairArithmetic& f = *arithmetic_;
    std::vector<Integer> ciphertexts;
    WordVector noise(f.words());
    for (std::size_t first = 0; first < plaintexts.size(); first += f.lanes()) {
      const std::size_t count = std::min(f.lanes(), plaintexts.size() - first);
      fresh_public_noise(f, noise.data(), count);
      hide(f, plaintexts.subspan(first, count), noise.data(), ciphertexts);
    }
    return ciphertexts;
  }

 private:
  std::unique_ptr<const PairArithmetic> arithmetic_;
};

/// x uniform in Z*_n, h = −x² mod n, h_s = h^n mod n²; noise is h_s^e, e uniform of half the bits of n
/// (Damgård, Jurik, Nielsen 2010, section 4.2; that half are enough: Goldreich, Rosen 2003).
class DjnNoise final : public NoiseSource {
 public:
  DjnNoise(const PublicKey& key, const Backend& backend)
      : arithmetic_(uniform_arithmetic(backend, key.n())),
        exponents_(Integer(1) << static_cast<unsigned>(key.bits() / 2)),
        powers_(make_powers(*arithmetic_, key)) {}

  std::size_t parcel() const override { return arithmetic_->lanes(); }
  std::size_t parcels_at_a_time() const override { return kShareTables; }
  std::size_t table_bytes() const override { return powers_.table_bytes(); }

  std::vector<Integer> encrypt(std::span<const Integer> plaintexts) const override {
    const PairArithmetic& f = *arithmetic_;
    const std::size_t elements = groups_of(plaintexts.size(), f.lanes());
    std::vector<std::vector<Integer>> exponents(elements, std::vector<Integer>(f.lanes()));
    for (std::size_t i = 0; i < plaintexts.size(); ++i) {
      exponents[i / f.lanes()][i % f.lanes()] = random_below(exponents_);
    }
    std::vector<WordVector> noise(elements, WordVector(f.words()));
    powers_.pow(noise, exponents);
    for (std::vector<Integer>& lanes : exponents) {
      for (Integer& exponent : lanes) wipe(exponent);
    }
    std::vector<Integer> ciphertexts;
    for (std::size_t element = 0; element < elements; ++element) {
      const std::size_t first = element * f.lanes();
      const std::size_t count = std::min(f.lanes(), plaintexts.size() - first);
      hide(f, plaintexts.subspan(first, count), noise[element].data(), ciphertexts);
    }
    return ciphertexts;
  }

 private:
  static FixedBase make_powers(const PairArithmetic& f, const PublicKey& key) {
    Integer x = random_unit(key.n());
    const Integer h = key.n() - x * x % key.n();
    wipe(x);
    WordVector base(f.words());
    f.load(base.data(), std::vector<Integer>(f.lanes(), h));
    pow_vartime(f, base.data(), base.data(), key.n());
    const auto inverse = invert_batch_vartime(f, base.data(), 1);
    if (!inverse) throw Error(ErrorKind::fault, "a power of a unit is no unit: a computing fault");
    return {f, base.data(), inverse->data(), key.bits() / 2};
  }

  std::unique_ptr<const PairArithmetic> arithmetic_;
  Integer exponents_;  ///< how many there are
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
