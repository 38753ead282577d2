#include "opaline/bigint/prime_checks.h"

#include <algorithm>
#include <array>
#include <memory>
#include <vector>

#include "opaline/base/constant_time.h"
#include "opaline/base/parallel.h"
#include "opaline/bigint/exponentiation.h"

namespace opaline {
namespace {

constexpr std::size_t kBases = 40;
constexpr Word kCofactorLimit = 1U << 20;

Word same(Word x, Word y) { return is_equal(std::span<const Word>(&x, 1), std::span<const Word>(&y, 1)); }
Word below(Word x, Word y) { return is_below(std::span<const Word>(&x, 1), std::span<const Word>(&y, 1)); }

/// condition ? x : y.
Word choose(Word condition, Word x, Word y) {
  assign_if(condition, std::span(&y, 1), std::span<const Word>(&x, 1));
  return y;
}

Word is_one(std::span<const Word> x) { return same(x[0], 1) & is_zero(x.subspan(1)); }

/// Of an odd number modulo 2^64, by Newton's iteration.
Word inverse_of_odd(Word x) {
  Word inverse = 1;
  for (int i = 0; i < 6; ++i) inverse *= 2 - x * inverse;
  return inverse;
}

/// Whether odd d divides x (Granlund, Montgomery 1994, section 9).
Word divides(Word d, Word x) { return 1 ^ below(~Word{0} / d, x * inverse_of_odd(d)); }

/// r = x/d for odd d that divides x, from the lowest word on (Jebelean 1993).
void divide_exactly(std::span<Word> r, std::span<const Word> x, Word d) {
  const Word inverse = inverse_of_odd(d);
  Word borrow = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const Word borrowed = below(x[i], borrow);
    r[i] = (x[i] - borrow) * inverse;
    borrow = static_cast<Word>((static_cast<DoubleWord>(r[i]) * d) >> 64) + borrowed;
  }
}

/// What Miller–Rabin asks of an odd number above 1, of exactly the words it needs.
class Candidate {
 public:
  Candidate(std::span<const Word> x, const Backend& backend)
      : f_(uniform_arithmetic(backend, x)), x_minus_one_(x.begin(), x.end()), odd_part_(x.size()) {
    x_minus_one_[0] ^= 1;
    const auto bit = [&](std::size_t i) { return declassified((x_minus_one_[i / 64] >> (i % 64)) & 1) == 1; };
    while (!bit(twos_)) ++twos_;
    std::copy(x_minus_one_.begin() + static_cast<std::ptrdiff_t>(twos_ / 64), x_minus_one_.end(),
              odd_part_.begin());
    shift_right(odd_part_, odd_part_, static_cast<unsigned>(twos_ % 64));
  }

  bool passes(std::size_t bases) const {
    std::vector<std::uint8_t> passed((bases + f_->lanes() - 1) / f_->lanes());
    parallel_for(passed.size(), [&](std::size_t i) { passed[i] = lanes_pass() ? 1 : 0; });
    return std::all_of(passed.begin(), passed.end(), [](std::uint8_t one) { return one == 1; });
  }

 private:
  /// With one random base a lane, in [1, x): base^odd = 1, or −1 after up to twos − 1 squarings.
  bool lanes_pass() const {
    const std::size_t size = f_->modulus_size();
    WordVector numbers(2 * f_->lanes() * size);
    const auto number = [&](std::size_t lane) { return std::span(numbers).subspan(2 * lane * size, size); };
    WordVector exponents;
    for (std::size_t lane = 0; lane < f_->lanes(); ++lane) {
      random_below(number(lane), x_minus_one_);
      add_word(number(lane), 1);
      exponents.insert(exponents.end(), odd_part_.begin(), odd_part_.end());
    }
    WordVector power(f_->words());
    f_->load_words(power.data(), numbers.data());
    pow(*f_, power.data(), power.data(), exponents, 64 * size);
    WordVector passes(f_->lanes());
    for (std::size_t i = 0; i < twos_; ++i) {
      if (i > 0) f_->sqr(power.data(), power.data());
      f_->store_words(numbers.data(), power.data());
      for (std::size_t lane = 0; lane < f_->lanes(); ++lane) {
        passes[lane] |= is_equal(number(lane), x_minus_one_);
        if (i == 0) passes[lane] |= is_one(number(lane));
      }
    }
    Word all = 1;
    for (const Word one : passes) all &= one;
    return declassified(all) == 1;
  }

  std::unique_ptr<const PairArithmetic> f_;
  WordVector x_minus_one_;
  WordVector odd_part_;
  std::size_t twos_ = 0;
};

/// The odd prime factors of an odd number below 2^20; ones stand for those that are missing.
class OddFactors {
 public:
  explicit OddFactors(Word k) : factors_(kMost, 1) {
    Word count = 0;
    for (Word d = 3; d * d < kCofactorLimit; d += 2) {  // composite ones divide no rest
      const Word found = divides(d, k);
      for (std::size_t i = 0; i + 1 < kMost; ++i) {
        factors_[i] = choose(found & same(i, count), d, factors_[i]);
      }
      count += found;
      const Word inverse = inverse_of_odd(d);
      for (Word power = d; power < kCofactorLimit; power *= d) k = choose(divides(d, k), k * inverse, k);
    }
    factors_.back() = k;
  }

  const WordVector& get() const { return factors_; }

 private:
  static constexpr std::size_t kMost = 7;  ///< 3·5·7·11·13·17 < 2^20, and the one above 2^10
  WordVector factors_;
};

class PowerGenerator {
 public:
  PowerGenerator(std::span<const Word> h, std::span<const Word> p, std::span<const Word> k)
      : p_(p), h_(2 * p.size()), p_minus_one_(p.begin(), p.end()), r_(p.size()) {
    p_minus_one_[0] ^= 1;
    WordVector k_words(1);
    WordVector square(2 * p.size());
    multiply(square, p, p);
    const Word h_fits = copy(h_, h) & is_below(h_, square);
    k_fits_ = copy(k_words, k);
    k_ = k_words[0];
    k_fits_ &= k_ & below(k_, kCofactorLimit);
    WordVector half(p.size());
    shift_right(half, p_minus_one_, 1);
    divide_exactly(r_, half, k_ | 1);
    fits_ = h_fits & k_fits_ & splits();
  }

  bool is_proved(const Backend& backend) const {
    return declassified(fits_) == 1 && is_probable_prime(r_, backend) && powers_are_right(backend);
  }

 private:
  /// The lower words; whether those that do not fit are zero.
  static Word copy(std::span<Word> r, std::span<const Word> x) {
    const std::size_t size = std::min(x.size(), r.size());
    std::copy_n(x.begin(), size, r.begin());
    return is_zero(x.subspan(size));
  }

  Word splits() const {
    const std::array<Word, 1> two_k = {2 * k_};
    WordVector product(p_.size() + 1);
    multiply(product, r_, two_k);
    return is_equal(std::span<const Word>(product).first(p_.size()), p_minus_one_) & same(product.back(), 0);
  }

  /// h^(p−1) = 1 mod p², and h^((p−1)/f) is not 1 mod p for any prime factor f of p − 1.
  bool powers_are_right(const Backend& backend) const {
    const std::size_t size = p_.size();
    WordVector exponents(p_minus_one_);
    WordVector counts(1, 1);
    const auto require = [&](std::span<const Word> exponent, Word count) {
      exponents.insert(exponents.end(), exponent.begin(), exponent.end());
      counts.push_back(count);
    };
    WordVector quotient(size);
    shift_right(quotient, p_minus_one_, 1);
    require(quotient, 1);
    std::fill(quotient.begin(), quotient.end(), 0);
    quotient[0] = 2 * k_;  // (p − 1)/r
    require(quotient, 1);
    const OddFactors factors(k_);
    for (const Word factor : factors.get()) {
      divide_exactly(quotient, p_minus_one_, factor);
      require(quotient, 1 ^ same(factor, 1));
    }

    const auto f = uniform_arithmetic(backend, p_);
    WordVector numbers;
    for (std::size_t lane = 0; lane < f->lanes(); ++lane) numbers.insert(numbers.end(), h_.begin(), h_.end());
    WordVector base(f->words());
    f->load_words(base.data(), numbers.data());
    WordVector power(f->words());
    Word right = 1;
    for (std::size_t first = 0; first < counts.size(); first += f->lanes()) {
      WordVector lanes(f->lanes() * size);  // exponents 0 in those that are left
      const std::size_t used = std::min(f->lanes(), counts.size() - first);
      std::copy_n(exponents.begin() + static_cast<std::ptrdiff_t>(first * size), used * size, lanes.begin());
      pow(*f, power.data(), base.data(), lanes, 64 * size);
      f->store_words(numbers.data(), power.data());
      for (std::size_t lane = 0; lane < used; ++lane) {
        const auto number = std::span<const Word>(numbers).subspan(2 * lane * size, 2 * size);
        const Word is_wanted =
            first + lane == 0 ? is_one(number) : 1 ^ (is_one(number.first(size)) & counts[first + lane]);
        right &= is_wanted;
      }
    }
    return declassified(right) == 1;
  }

  std::span<const Word> p_;
  WordVector h_;
  WordVector p_minus_one_;
  WordVector r_;
  Word k_ = 0;
  Word k_fits_ = 0;
  Word fits_ = 0;
};

}  // namespace

bool is_probable_prime(std::span<const Word> x, const Backend& backend) {
  const std::size_t bits = public_bit_length(x);
  if (bits < 2 || bits > 8192) return false;
  if (declassified(x.front() & 1) == 0) return bits == 2;  // 2
  return Candidate(x.first(words_for(bits)), backend).passes(kBases);
}

bool is_power_generator(std::span<const Word> h, std::span<const Word> p, std::span<const Word> k,
                        const Backend& backend) {
  const std::size_t bits = public_bit_length(p);
  if (bits < 3 || bits > 4096 || k.empty() || declassified(p.front() & 1) == 0) return false;
  return PowerGenerator(h, p.first(words_for(bits)), k).is_proved(backend);
}

}  // namespace opaline
