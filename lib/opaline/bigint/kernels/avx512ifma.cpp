#include "opaline/bigint/kernels/avx512ifma.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <initializer_list>
#include <vector>

#include "opaline/base/error.h"
#include "opaline/bigint/kernels/announce.h"
#include "opaline/bigint/kernels/ifma_kernels.h"
#include "opaline/bigint/kernels/radix_square.h"

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
  explicit IfmaArithmetic(std::span<const std::span<const Word>> moduli)
      : IfmaArithmetic(moduli, limbs_for(public_bit_length(moduli.front()))) {}

  std::span<const Word> modulus_words(std::size_t lane) const override {
    return std::span(moduli_words_).subspan(lane * modulus_size(), modulus_size());
  }

  void mul(Word* r, const Word* x, const Word* y) const override {
    announce({x, y}, words(), r, words());
    Kernels::mul(moduli_, r, x, y);
    assert(is_reduced(r) && is_reduced(r + half_words()));
  }

  void sqr(Word* r, const Word* x) const override {
    announce({x}, words(), r, words());
    Kernels::sqr(moduli_, r, x);
    assert(is_reduced(r) && is_reduced(r + half_words()));
  }

  void mul_one_plus_km(Word* r, const Word* x, const Word* k) const override {
    announce({x}, words(), r, words());
    announce_read(k, half_words());
    Kernels::mul_one_plus_km(moduli_, r, x, k);
    assert(is_reduced(r + half_words()));
  }

  void mul_first_half(Word* r, const Word* x, const Word* y) const override {
    announce({x}, words(), r, words());
    announce_read(y, half_words());
    Kernels::mul_first_half(moduli_, r, x, y);
    assert(is_reduced(r) && is_reduced(r + half_words()));
  }

  void mul_halves(Word* r, const Word* x, const Word* y) const override {
    announce({x, y}, half_words(), r, half_words());
    Kernels::mul_halves(moduli_, r, x, y);
    assert(is_reduced(r));
  }

  void add_halves(Word* r, const Word* x, const Word* y) const override {
    announce({x, y}, half_words(), r, half_words());
    Kernels::add_halves(moduli_, r, x, y);
    assert(is_reduced(r));
  }

  void select(Word* r, const Word* table, std::size_t entries,
              std::span<const std::uint32_t> index) const override {
    assert(index.size() == kLanes && entries <= 256);
    announce({table}, entries * words(), r, words());
    Kernels::select(r, table, words() / kLanes, entries, index.data());
  }

  void select_compact(Word* r, const Word* table, std::size_t entries,
                      std::span<const std::uint32_t> index) const override {
    assert(index.size() % kLanes == 0);
    const std::size_t elements = index.size() / kLanes;
    announce({table}, compact_words(entries), r, elements * words());
    for (std::size_t first = 0; first < elements; first += ifma::kMostSelected) {
      Kernels::select_compact(r + first * words(), table, words() / kLanes, entries,
                              index.data() + first * kLanes, std::min(ifma::kMostSelected, elements - first));
    }
  }

  void compact(Word* table, const Word* elements, std::size_t entries) const override {
    announce({elements}, entries * words(), table, compact_words(entries));
    Kernels::compact(table, elements, words() / kLanes, entries);
  }

  std::size_t compact_words(std::size_t entries) const override { return entries * words() / kLanes; }

  void gather_numbers_vartime(Word* r, std::span<const Word* const> numbers) const override {
    assert(numbers.size() == kLanes);
    for (const Word* const number : numbers) announce_read(number, number_words());
    announce_write(r, words());
    Kernels::gather_numbers(r, words() / kLanes, numbers.data());
  }

  void scatter_numbers_vartime(std::span<Word* const> numbers, const Word* x) const override {
    assert(numbers.size() == kLanes);
    for (Word* const number : numbers) announce_write(number, number_words());
    announce_read(x, words());
    Kernels::scatter_numbers(numbers.data(), words() / kLanes, x);
  }

  void load_words(Word* r, const Word* values) const override {
    WordVector halves(2 * modulus_size());
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const auto number = std::span(values, 2 * kLanes * modulus_size())
                              .subspan(2 * lane * modulus_size(), 2 * modulus_size());
      dividers_[divider_of_[lane]].divide(std::span(halves).last(modulus_size()),
                                          std::span(halves).first(modulus_size()), number);
      put_halves(halves, r, lane);
    }
    mul(r, r, r_squared_.data());
  }

  void load_half_words(Word* r, const Word* values) const override {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const auto number =
          std::span(values, kLanes * modulus_size()).subspan(lane * modulus_size(), modulus_size());
      to_lane<kLanes>(number, r + lane, limbs_);
    }
    Kernels::mul_halves(moduli_, r, r, r_squared_.data());  // its first half is R² mod m
  }

  void store_words(Word* values, const Word* x) const override {
    WordVector plain(words());
    mul(plain.data(), x, one_.data());
    const std::size_t size = modulus_size();
    WordVector a(size + 1);
    WordVector b(size + 1);
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      from_lane<kLanes>(plain.data() + lane, limbs_, a);
      from_lane<kLanes>(plain.data() + half_words() + lane, limbs_, b);
      // (a + u·m)/R ≤ m, and m only if the first half is 0: then m·1 belongs to the second half, which is
      // below 3m.
      add_word(b, subtract_if_not_below(a, lane));
      for (int i = 0; i < 3; ++i) subtract_if_not_below(b, lane);
      std::copy_n(a.begin(), size, values + 2 * lane * size);
      std::copy_n(b.begin(), size, values + (2 * lane + 1) * size);
    }
  }

 private:
  IfmaArithmetic(std::span<const std::span<const Word>> moduli, std::size_t limbs)
      : PairArithmetic(kLanes, moduli.front().size(), 2 * kLanes * limbs, ifma::number_words(2 * limbs)),
        limbs_(limbs),
        moduli_words_(kLanes * modulus_size()),
        m_(half_words()),
        four_m_(half_words()),
        m_sums_(kLanes * Kernels::sum_vectors(limbs_)),
        minus_inverse_(kLanes),
        r_squared_(words()),
        one_(words()) {
    dividers_.reserve(kLanes);
    WordVector four_m(modulus_size() + 1);
    std::vector<WordVector> r_squared;  // a divider
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      const std::span<const Word> m = moduli[lane];
      // Lanes often share a modulus; that they do is public.
      std::size_t same = 0;
      while (moduli[same].data() != m.data()) ++same;
      if (same == lane) {
        dividers_.emplace_back(m);
        r_squared.emplace_back(2 * modulus_size());
        radix_square(r_squared.back(), dividers_.back(), m, kLimbBits * limbs_);
      }
      divider_of_[lane] = same == lane ? dividers_.size() - 1 : divider_of_[same];
      std::copy(m.begin(), m.end(), moduli_words_.begin() + static_cast<std::ptrdiff_t>(lane * m.size()));
      to_lane<kLanes>(m, m_.data() + lane, limbs_);
      std::copy(m.begin(), m.end(), four_m.begin());
      four_m.back() = 0;
      shift_left(four_m, four_m, 2);
      to_lane<kLanes>(four_m, four_m_.data() + lane, limbs_);
      Word inverse = 1;  // of m mod 2^64, by Newton's iteration
      for (int i = 0; i < 6; ++i) inverse *= 2 - m[0] * inverse;
      minus_inverse_[lane] = (0 - inverse) & kLimbMask;
      put_halves(r_squared[divider_of_[lane]], r_squared_.data(), lane);
      one_[lane] = 1;
    }
    Kernels::make_sums(m_sums_.data(), m_.data(), limbs_);
    moduli_ = {limbs_, m_.data(), four_m_.data(), m_sums_.data(), minus_inverse_.data()};
  }

  /// a, then b, below 4m into a lane, not yet in Montgomery form.
  void put_halves(std::span<const Word> halves, Word* element, std::size_t lane) const {
    to_lane<kLanes>(halves.first(modulus_size()), element + lane, limbs_);
    to_lane<kLanes>(halves.last(modulus_size()), element + half_words() + lane, limbs_);
  }

  /// x −= m where x ≥ m, x of one word more than m; 1 if so. Constant-time.
  Word subtract_if_not_below(std::span<Word> x, std::size_t lane) const {
    WordVector m(x.size());
    const std::span<const Word> words = modulus_words(lane);
    std::copy(words.begin(), words.end(), m.begin());
    const Word not_below = 1 ^ is_below(x, m);
    subtract_if(not_below, x, m);
    return not_below;
  }

  static void announce(std::initializer_list<const Word*> inputs, std::size_t input_words, Word* output,
                       std::size_t output_words) {
    for (const Word* const input : inputs) announce_read(input, input_words);
    announce_write(output, output_words);
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

  std::size_t limbs_;
  WordVector moduli_words_;
  std::vector<Divider> dividers_;  ///< of moduli that differ
  std::array<std::size_t, kLanes> divider_of_{};
  WordVector m_;
  WordVector four_m_;
  WordVector m_sums_;
  WordVector minus_inverse_;
  WordVector r_squared_;
  WordVector one_;
  ifma::Moduli moduli_{};
};

bool processor_has_ifma() {
  return __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512dq") != 0 &&
         __builtin_cpu_supports("avx512vl") != 0 && __builtin_cpu_supports("avx512ifma") != 0;
}

template <std::size_t Lanes>
std::unique_ptr<const PairArithmetic> make(std::span<const std::span<const Word>> moduli) {
  return std::make_unique<IfmaArithmetic<Lanes>>(moduli);
}

#else

bool processor_has_ifma() { return false; }

template <std::size_t Lanes>
std::unique_ptr<const PairArithmetic> make(std::span<const std::span<const Word>> /*moduli*/) {
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

  std::unique_ptr<const PairArithmetic> make_arithmetic(
      std::span<const std::span<const Word>> moduli) const override {
    return make<Lanes>(moduli);
  }
};

}  // namespace

const Backend& avx512ifma_backend() {
  static const IfmaBackend<8> backend;
  return backend;
}

}  // namespace opaline
