#include "opaline/bigint/kernels/avx512ifma.h"

#include <gmp.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <vector>

#include "opaline/base/error.h"
#include "opaline/bigint/kernels/ifma_kernels.h"
#include "opaline/bigint/kernels/split.h"

namespace opaline {
namespace {

#ifdef OPALINE_HAVE_IFMA

using ifma::kLimbBits;

constexpr Word kLimbMask = (Word{1} << kLimbBits) - 1;

/// Limbs of a modulus: six bits to spare, so that no product needs a subtraction (R > 64·m), in whole tiles.
std::size_t limbs_for(std::size_t bits) {
  const std::size_t limbs = (bits + 6 + kLimbBits - 1) / kLimbBits;
  return (limbs + ifma::kTile - 1) / ifma::kTile * ifma::kTile;
}

/// 64-bit words, with one zero word behind them, to the limbs of one lane.
template <std::size_t Lanes>
void to_lane(std::span<const Word> words, Word* limbs, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t bit = i * kLimbBits;
    const std::size_t at = bit / 64;
    const std::size_t shift = bit % 64;
    Word limb = at < words.size() ? words[at] >> shift : 0;
    if (shift != 0 && at + 1 < words.size()) limb |= words[at + 1] << (64 - shift);
    limbs[i * Lanes] = limb & kLimbMask;
  }
}

/// And back.
template <std::size_t Lanes>
void from_lane(const Word* limbs, std::size_t count, std::span<Word> words) {
  std::fill(words.begin(), words.end(), 0);
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t bit = i * kLimbBits;
    const std::size_t at = bit / 64;
    const std::size_t shift = bit % 64;
    const Word limb = limbs[i * Lanes];
    if (at < words.size()) words[at] |= limb << shift;
    if (shift != 0 && at + 1 < words.size()) words[at + 1] |= limb >> (64 - shift);
  }
}

/// Halves are below 4m, limb by limb below 2^52: every kernel takes and gives them so.
template <std::size_t kLanes>
class IfmaArithmetic final : public PairArithmetic {
  using Kernels = ifma::Kernels<kLanes>;

 public:
  explicit IfmaArithmetic(std::span<const Integer> moduli)
      : PairArithmetic(kLanes, 2 * kLanes * limbs_for(bit_length(moduli.front())),
                       ifma::number_words(2 * limbs_for(bit_length(moduli.front())))),
        values_(moduli.begin(), moduli.end()),
        limbs_(limbs_for(bit_length(moduli.front()))),
        words64_((bit_length(moduli.front()) + 63) / 64),
        m_words_(kLanes * words64_),
        m_(half_words()),
        four_m_(half_words()),
        m_sums_(kLanes * Kernels::sum_vectors(limbs_)),
        minus_inverse_(kLanes),
        r_squared_(words()),
        half_r_squared_(half_words()),
        one_(words()) {
    const Integer r = Integer(1) << static_cast<unsigned>(kLimbBits * limbs_);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const Integer& m = values_[lane];
      to_words(m, m_words(lane));
      put(m, m_.data(), lane);
      put(4 * m, four_m_.data(), lane);
      Word inverse = 1;  // of m mod 2^64, by Newton's iteration
      for (int i = 0; i < 6; ++i) inverse *= 2 - m_words(lane)[0] * inverse;
      minus_inverse_[lane] = (0 - inverse) & kLimbMask;
      put_halves(floor_mod(r * r, m * m), r_squared_.data(), lane);
      put(floor_mod(r * r, m), half_r_squared_.data(), lane);
      one_[lane] = 1;
    }
    Kernels::make_sums(m_sums_.data(), m_.data(), limbs_);
    moduli_ = {limbs_, m_.data(), four_m_.data(), m_sums_.data(), minus_inverse_.data()};
  }

  const Integer& modulus(std::size_t lane) const override { return values_[lane]; }

  void mul(Word* r, const Word* x, const Word* y) const override {
    Kernels::mul(moduli_, r, x, y);
    assert(is_reduced(r) && is_reduced(r + half_words()));
  }

  void sqr(Word* r, const Word* x) const override {
    Kernels::sqr(moduli_, r, x);
    assert(is_reduced(r) && is_reduced(r + half_words()));
  }

  void mul_one_plus_km(Word* r, const Word* x, const Word* k) const override {
    Kernels::mul_one_plus_km(moduli_, r, x, k);
    assert(is_reduced(r + half_words()));
  }

  void mul_first_half(Word* r, const Word* x, const Word* y) const override {
    Kernels::mul_first_half(moduli_, r, x, y);
    assert(is_reduced(r) && is_reduced(r + half_words()));
  }

  void mul_halves(Word* r, const Word* x, const Word* y) const override {
    Kernels::mul_halves(moduli_, r, x, y);
    assert(is_reduced(r));
  }

  void add_halves(Word* r, const Word* x, const Word* y) const override {
    Kernels::add_halves(moduli_, r, x, y);
    assert(is_reduced(r));
  }

  void select(Word* r, const Word* table, std::size_t entries,
              std::span<const std::uint32_t> index) const override {
    assert(index.size() == kLanes && entries <= 256);
    Kernels::select(r, table, words() / kLanes, entries, index.data());
  }

  void select_compact(Word* r, const Word* table, std::size_t entries,
                      std::span<const std::uint32_t> index) const override {
    assert(index.size() % kLanes == 0);
    const std::size_t elements = index.size() / kLanes;
    for (std::size_t first = 0; first < elements; first += ifma::kMostSelected) {
      Kernels::select_compact(r + first * words(), table, words() / kLanes, entries,
                              index.data() + first * kLanes, std::min(ifma::kMostSelected, elements - first));
    }
  }

  void compact(Word* table, const Word* elements, std::size_t entries) const override {
    Kernels::compact(table, elements, words() / kLanes, entries);
  }

  std::size_t compact_words(std::size_t entries) const override { return entries * words() / kLanes; }

  void gather_numbers_vartime(Word* r, std::span<const Word* const> numbers) const override {
    assert(numbers.size() == kLanes);
    Kernels::gather_numbers(r, words() / kLanes, numbers.data());
  }

  void scatter_numbers_vartime(std::span<Word* const> numbers, const Word* x) const override {
    assert(numbers.size() == kLanes);
    Kernels::scatter_numbers(numbers.data(), words() / kLanes, x);
  }

  void load(Word* r, std::span<const Integer> values) const override {
    assert(values.size() == kLanes);
    for (std::size_t lane = 0; lane < kLanes; ++lane) put_halves(values[lane], r, lane);
    mul(r, r, r_squared_.data());
  }

  void load_half(Word* r, std::span<const Integer> values) const override {
    assert(values.size() == kLanes);
    for (std::size_t lane = 0; lane < kLanes; ++lane) put(values[lane], r, lane);
    Kernels::mul_halves(moduli_, r, r, half_r_squared_.data());
  }

  std::vector<Halves> store_halves(const Word* x) const override {
    WordVector plain(words());
    mul(plain.data(), x, one_.data());
    std::vector<Halves> halves(kLanes);
    WordVector a(words64_ + 1);
    WordVector b(words64_ + 1);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      from_lane<kLanes>(plain.data() + lane, limbs_, a);
      from_lane<kLanes>(plain.data() + half_words() + lane, limbs_, b);
      // (a + u·m)/R ≤ m, and m only if the first half is 0: then m·1 belongs to the second half, which is
      // below 3m.
      const Word taken = subtract_if_not_below(a, lane);
      const auto size = static_cast<mp_size_t>(b.size());
      WordVector scratch(static_cast<std::size_t>(mpn_sec_add_1_itch(size)));
      mpn_sec_add_1(b.data(), b.data(), size, taken, scratch.data());
      for (int i = 0; i < 3; ++i) subtract_if_not_below(b, lane);
      halves[lane] = {from_words(a), from_words(b)};
    }
    return halves;
  }

 private:
  std::span<Word> m_words(std::size_t lane) { return std::span(m_words_).subspan(lane * words64_, words64_); }
  std::span<const Word> m_words(std::size_t lane) const {
    return std::span(m_words_).subspan(lane * words64_, words64_);
  }

  /// x < 4m into a lane.
  void put(const Integer& x, Word* half, std::size_t lane) const {
    WordVector number(words64_ + 1);
    to_words(x, number);
    to_lane<kLanes>(number, half + lane, limbs_);
  }

  /// x < m² into a lane as a + b·m, not yet in Montgomery form.
  void put_halves(const Integer& x, Word* element, std::size_t lane) const {
    WordVector halves(2 * words64_);
    split(x, m_words(lane), halves);
    to_lane<kLanes>(std::span(halves).first(words64_), element + lane, limbs_);
    to_lane<kLanes>(std::span(halves).subspan(words64_), element + half_words() + lane, limbs_);
  }

  /// x −= m where x ≥ m, x of one word more than m; 1 if so. Constant-time.
  Word subtract_if_not_below(WordVector& x, std::size_t lane) const {
    const std::span<const Word> m = m_words(lane);
    WordVector difference(x.size());
    const Word borrow = mpn_sub_n(difference.data(), x.data(), m.data(), static_cast<mp_size_t>(words64_));
    const Word not_below = 1 ^ (borrow & ((x.back() - 1) >> 63));
    x.back() -= borrow & not_below;
    mpn_cnd_sub_n(not_below, x.data(), x.data(), m.data(), static_cast<mp_size_t>(words64_));
    return not_below;
  }

  /// Every lane below 4m with proper limbs: what a debug build checks of every result.
  [[maybe_unused]] bool is_reduced(const Word* half) const {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      bool below = false;
      for (std::size_t i = 0; i < limbs_; ++i) {  // the highest limb that differs decides
        const Word limb = half[i * kLanes + lane];
        const Word bound = four_m_[i * kLanes + lane];
        if (limb > kLimbMask) return false;
        if (limb != bound) below = limb < bound;
      }
      if (!below) return false;
    }
    return true;
  }

  std::vector<Integer> values_;
  std::size_t limbs_;
  std::size_t words64_;
  WordVector m_words_;
  WordVector m_;
  WordVector four_m_;
  WordVector m_sums_;
  WordVector minus_inverse_;
  WordVector r_squared_;
  WordVector half_r_squared_;
  WordVector one_;
  ifma::Moduli moduli_{};
};

bool processor_has_ifma() {
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
         __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512ifma") != 0;
}

template <std::size_t Lanes>
std::unique_ptr<const PairArithmetic> make_arithmetic(std::span<const Integer> moduli) {
  return std::make_unique<IfmaArithmetic<Lanes>>(moduli);
}

#else

bool processor_has_ifma() { return false; }

template <std::size_t Lanes>
std::unique_ptr<const PairArithmetic> make_arithmetic(std::span<const Integer> /*moduli*/) {
  throw Error(ErrorKind::unsupported_backend, "this build has no avx512ifma backend");
}

#endif

template <std::size_t Lanes>
class IfmaBackend final : public Backend {
 public:
  std::string_view name() const override { return "avx512ifma"; }
  std::string_view description() const override {
    return Lanes == 8 ? "eight lanes of 52-bit limbs, AVX-512 F, DQ, VL and IFMA"
                      : "four lanes of 52-bit limbs, AVX-512 F, DQ, VL and IFMA";
  }
  bool supported() const override { return processor_has_ifma(); }
  std::size_t lanes() const override { return Lanes; }
  const Backend& narrower() const override {
    if constexpr (Lanes == 8) {
      static const IfmaBackend<4> four;
      return four;
    } else {
      return *this;
    }
  }

  std::unique_ptr<const PairArithmetic> pair_arithmetic(std::span<const Integer> moduli) const override {
    check_moduli(moduli, lanes());
    return make_arithmetic<Lanes>(moduli);
  }
};

}  // namespace

const Backend& avx512ifma_backend() {
  static const IfmaBackend<8> backend;
  return backend;
}

}  // namespace opaline
