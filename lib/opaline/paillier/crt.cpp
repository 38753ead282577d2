#include "opaline/paillier/crt.h"

#include <algorithm>
#include <cassert>

#include "opaline/bigint/exponentiation.h"

namespace opaline {
namespace {

WordVector square_of(std::span<const Word> x) {
  WordVector square(2 * x.size());
  multiply(square, x, x);
  return square;
}

/// x without the words above the first `size`, which are zero.
WordVector narrowed(std::span<const Word> x, std::size_t size) {
  assert(is_zero(x.subspan(std::min(size, x.size()))) == 1);
  WordVector words(size);
  std::copy_n(x.begin(), std::min(size, x.size()), words.begin());
  return words;
}

/// r = m − x for 0 < x < m.
WordVector negated(std::span<const Word> x, std::span<const Word> m) {
  WordVector r(m.size());
  subtract(r, m, x);
  return r;
}

}  // namespace

CrtArithmetic::CrtArithmetic(const SecretKey& key, const Backend& backend, Halves arrangement)
    : primes_{key.p().clone(), key.q().clone()},
      prime_bits_(key.public_key().bits() / 2),
      squares_{square_of(prime(0)), square_of(prime(1))},
      by_prime_{Divider(prime(0)), Divider(prime(1))},
      by_square_{Divider(squares_[0]), Divider(squares_[1])},
      n_squared_(n_squared_size()),
      parcel_(backend.lanes()) {
  to_words(key.public_key().n_squared(), n_squared_);
  if (arrangement == Halves::side_by_side && backend.lanes() > 1) {
    parcel_ = backend.lanes() / 2;
    std::vector<std::span<const Word>> moduli;
    for (std::size_t lane = 0; lane < backend.lanes(); ++lane) moduli.push_back(prime(lane % 2));
    groups_.push_back(backend.pair_arithmetic(moduli));
  } else {
    for (std::size_t half = 0; half < 2; ++half) groups_.push_back(uniform_arithmetic(backend, prime(half)));
  }

  // With o the other prime, o^(p−2) mod p² is v + t·p with v = o^−1 mod p. From o²·v² = 1 + s·p mod p² it
  // follows that (o²)^−1 = v²·(1 − s·p).
  const std::size_t size = prime_size();
  const Word two = 2;
  for (std::size_t group = 0; group < groups(); ++group) {
    const PairArithmetic& f = this->group(group);
    WordVector numbers(2 * f.lanes() * size);
    WordVector exponents(f.lanes() * size);
    WordVector other_squares(numbers.size());
    for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
      const std::size_t at = half(group, lane);
      const std::span<const Word> other = prime(1 - at);
      std::copy(other.begin(), other.end(), numbers.begin() + static_cast<std::ptrdiff_t>(2 * lane * size));
      reduce_square(std::span(other_squares).subspan(2 * lane * size, 2 * size), squares_[1 - at], at);
      const auto exponent = std::span(exponents).subspan(lane * size, size);
      subtract(exponent, prime(at), narrowed(std::span(&two, 1), size));
    }
    WordVector inverse(f.words());
    f.load_words(inverse.data(), numbers.data());
    pow(f, inverse.data(), inverse.data(), exponents, prime_bits_);
    f.store_words(numbers.data(), inverse.data());
    for (std::size_t lane = 0; lane < std::min<std::size_t>(f.lanes(), 2); ++lane) {
      const std::size_t at = half(group, lane);
      minus_inverses_[at] =
          SecretInteger(negated(std::span<const Word>(numbers).subspan(2 * lane * size, size), prime(at)));
    }

    WordVector product(f.words());
    f.sqr(inverse.data(), inverse.data());
    f.load_words(product.data(), other_squares.data());
    f.mul(product.data(), product.data(), inverse.data());
    f.store_words(numbers.data(), product.data());
    WordVector minus_s(f.lanes() * size);
    for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
      const std::size_t at = half(group, lane);
      const auto r = std::span(minus_s).subspan(lane * size, size);
      subtract(r, prime(at), std::span<const Word>(numbers).subspan((2 * lane + 1) * size, size));
      subtract_if(is_equal(r, prime(at)), r, prime(at));  // s = 0
    }
    WordVector correction(f.half_words());
    f.load_half_words(correction.data(), minus_s.data());
    f.mul_one_plus_km(inverse.data(), inverse.data(), correction.data());
    f.store_words(numbers.data(), inverse.data());
    for (std::size_t lane = 0; lane < std::min<std::size_t>(f.lanes(), 2); ++lane) {
      const std::size_t at = half(group, lane);
      WordVector whole(2 * size);
      join(whole, std::span<const Word>(numbers).subspan(2 * lane * size, 2 * size), at);
      cofactors_[at] = SecretInteger(std::move(whole));
    }
  }
}

WordVector CrtArithmetic::order(std::size_t half) const {
  WordVector order(prime(half).begin(), prime(half).end());
  order[0] ^= 1;  // primes are odd
  return order;
}

WordVector CrtArithmetic::other_prime(std::size_t half) const {
  // The other prime lies below twice this one.
  WordVector other(prime(1 - half).begin(), prime(1 - half).end());
  subtract_if(1 ^ is_below(other, prime(half)), other, prime(half));
  return other;
}

void CrtArithmetic::reduce(std::span<Word> r, std::span<const Word> x, std::size_t half) const {
  by_prime_[half].remainder(r, x);
}

void CrtArithmetic::reduce_square(std::span<Word> r, std::span<const Word> x, std::size_t half) const {
  const std::size_t needed = by_square_[half].size();
  by_square_[half].remainder(r.first(needed), x);
  std::fill(r.begin() + static_cast<std::ptrdiff_t>(needed), r.end(), 0);
}

void CrtArithmetic::multiply_mod(std::span<Word> r, std::span<const Word> x, std::span<const Word> y,
                                 std::size_t half) const {
  WordVector product(x.size() + y.size());
  multiply(product, x, y);
  by_prime_[half].remainder(r, product);
}

void CrtArithmetic::join(std::span<Word> r, std::span<const Word> halves, std::size_t half) const {
  const std::size_t size = prime_size();
  WordVector a(2 * size);
  std::copy_n(halves.begin(), size, a.begin());
  multiply(r, halves.last(size), prime(half));
  add(r, r, a);
}

void CrtArithmetic::combine_squares(std::span<Word> r, std::span<const Word> x_p_cofactor,
                                    std::span<const Word> x_q_cofactor) const {
  // Both products are below n², so their sum is below 2·n².
  WordVector sum(4 * prime_size());
  WordVector product(4 * prime_size());
  multiply(sum, x_p_cofactor, squares_[1]);
  multiply(product, x_q_cofactor, squares_[0]);
  Word above = add(sum, sum, product);
  const std::size_t size = n_squared_size();
  if (size < sum.size()) above |= 1 ^ is_zero(std::span<const Word>(sum).subspan(size));
  std::copy_n(sum.begin(), size, r.begin());
  subtract_if(above | (1 ^ is_below(r, n_squared_)), r, n_squared_);
}

void CrtArithmetic::combine(std::span<Word> r, std::span<const Word> x_p, std::span<const Word> x_q) const {
  // x_p + p·((x_q − x_p)·p^−1 mod q), and x_p < p < 2·q since the primes are of one length.
  const std::size_t size = prime_size();
  WordVector difference(x_p.begin(), x_p.end());
  subtract_if(1 ^ is_below(difference, prime(1)), difference, prime(1));
  const Word borrow = subtract(difference, difference, x_q);
  add_if(borrow, difference, prime(1));  // x_p − x_q, so that −p^−1 is the factor
  multiply_mod(difference, difference, minus_inverse(1), 1);
  WordVector sum(2 * size);
  multiply(sum, difference, prime(0));
  WordVector low(2 * size);
  std::copy_n(x_p.begin(), size, low.begin());
  add(sum, sum, low);
  assert(is_zero(std::span<const Word>(sum).subspan(n_size())) == 1);
  std::copy_n(sum.begin(), n_size(), r.begin());
}

}  // namespace opaline
