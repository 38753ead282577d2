#include "opaline/paillier/product_check.h"

#include <algorithm>
#include <cassert>

#include "opaline/base/constant_time.h"
#include "opaline/base/parallel.h"
#include "opaline/base/random.h"
#include "opaline/bigint/exponentiation.h"

namespace opaline {

ProductCheck::ProductCheck(const PublicKey& key, const Backend& backend)
    : f_(uniform_arithmetic(backend, key.n())),
      n_(f_->modulus_words(0).begin(), f_->modulus_words(0).end()),
      by_n_(n_) {}

WordVector ProductCheck::random_plaintext() const {
  WordVector random(size());
  random_below(random, n_);
  return random;
}

/// In every lane the product of its share.
WordVector ProductCheck::multiplied(std::span<const Integer* const> ciphertexts) const {
  // Elements of a number a lane, each thread's multiplied into one.
  const std::size_t lanes = f_->lanes();
  const std::size_t elements = (ciphertexts.size() + lanes - 1) / lanes;
  const std::vector<Share> shares = even_shares(
      elements, std::max<std::size_t>(elements / static_cast<std::size_t>(omp_get_max_threads()), 1));
  std::vector<WordVector> products(std::max<std::size_t>(shares.size(), 1), WordVector(f_->words()));
  for (WordVector& product : products) set_one(*f_, product.data());
  parallel_for(shares.size(), [&](std::size_t i) {
    WordVector element(f_->words());
    std::vector<Integer> numbers(lanes);
    for (std::size_t e = shares[i].first; e < shares[i].first + shares[i].count; ++e) {
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        const std::size_t at = e * lanes + lane;
        numbers[lane] = at < ciphertexts.size() ? *ciphertexts[at] : Integer(1);
      }
      f_->load(element.data(), numbers);
      f_->mul(products[i].data(), products[i].data(), element.data());
    }
  });
  for (std::size_t i = 1; i < products.size(); ++i) {
    f_->mul(products[0].data(), products[0].data(), products[i].data());
  }
  return std::move(products[0]);
}

Integer ProductCheck::lanes_product(const WordVector& element) const {
  const Integer n = from_words(n_);
  const Integer n_squared = n * n;
  Integer product = 1;
  for (const Integer& number : f_->store(element.data())) product = product * number % n_squared;
  return product;
}

Integer ProductCheck::product(std::span<const Integer* const> ciphertexts) const {
  return lanes_product(multiplied(ciphertexts));
}

ProductCheck::Witness ProductCheck::witness(std::span<const Integer* const> ciphertexts) const {
  constexpr Word top = Word{1} << (kPowerBits - 1);
  WordVector powers(f_->lanes());
  fill_random({reinterpret_cast<std::uint8_t*>(powers.data()), powers.size() * sizeof(Word)});
  for (Word& power : powers) power = (power & (top - 1)) | top;
  WordVector product = multiplied(ciphertexts);
  pow(*f_, product.data(), product.data(), powers, kPowerBits);
  WordVector random = random_plaintext();
  // (1 + r·n) in the first lane, 1 in the others.
  WordVector messages(f_->lanes() * size());
  std::copy(random.begin(), random.end(), messages.begin());
  WordVector message(f_->half_words());
  f_->load_half_words(message.data(), messages.data());
  f_->mul_one_plus_km(product.data(), product.data(), message.data());
  declassify(product.data(), product.size() * sizeof(Word));
  return {lanes_product(product), std::move(random), std::move(powers)};
}

WordVector ProductCheck::sum(std::span<const Word> plaintexts) const {
  WordVector sum(size());
  for (std::size_t at = 0; at < plaintexts.size(); at += size()) {
    const Word carry = add(sum, sum, plaintexts.subspan(at, size()));
    subtract_if(carry | (1 ^ is_below(sum, n_)), sum, n_);
  }
  return sum;
}

Word ProductCheck::agree(const Witness& witness, std::span<const Word> plaintexts,
                         std::span<const Word> of_witness) const {
  assert(plaintexts.size() % size() == 0 && of_witness.size() == size());
  // Below (1 + 2^kPowerBits·plaintexts)·n, which is far below 2^64·n.
  WordVector sum(size() + 1);
  std::copy(witness.excess.begin(), witness.excess.end(), sum.begin());
  WordVector summand(size() + 1);
  for (std::size_t i = 0; i < plaintexts.size() / size(); ++i) {
    const auto power = std::span(witness.powers).subspan(i % witness.powers.size(), 1);
    multiply(summand, plaintexts.subspan(i * size(), size()), power);
    add(sum, sum, summand);
  }
  WordVector residue(size());
  by_n_.remainder(residue, sum);
  return is_equal(residue, of_witness);
}

}  // namespace opaline
