#include "opaline/paillier/evaluator.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/base/parallel.h"
#include "opaline/base/wiped_stack.h"
#include "opaline/bigint/batch_inversion.h"
#include "opaline/bigint/exponentiation.h"
#include "opaline/paillier/affine_batch.h"
#include "opaline/paillier/centred_numbers.h"
#include "opaline/paillier/matrix_product.h"
#include "opaline/paillier/noise.h"

namespace opaline {
namespace {

/// Elements inverted with one inversion.
constexpr std::size_t kInversionSegment = 128;

/// Elements a thread calculates with at a time.
constexpr std::size_t kElementsAShare = 16;

void check_same_key(const PublicKey& expected, const PublicKey& key) {
  if (expected != key) throw Error(ErrorKind::wrong_key, "the ciphertext was made for another key");
}

}  // namespace

Evaluator::Evaluator(const PublicKey& key, const Backend& backend)
    : key_(key),
      arithmetic_(std::make_unique<const LaneWidths>(backend, key.n())),
      noise_(std::make_unique<ReplyNoise>(key, *arithmetic_)) {}
Evaluator::Evaluator(Evaluator&&) noexcept = default;
Evaluator& Evaluator::operator=(Evaluator&&) noexcept = default;
Evaluator::~Evaluator() = default;

EvaluatedCiphertext Evaluator::add(const EvaluatedCiphertext& x, const EvaluatedCiphertext& y) const {
  check_same_key(key_, x.key_);
  check_same_key(key_, y.key_);
  return {key_, x.value_ * y.value_ % key_.n_squared()};
}

EvaluatedCiphertext Evaluator::subtract(const EvaluatedCiphertext& x, const EvaluatedCiphertext& y) const {
  return add(x, multiply_vartime(y, -1));
}

EvaluatedCiphertext Evaluator::add_constant(const EvaluatedCiphertext& x, const Integer& k) const {
  check_same_key(key_, x.key_);
  return on_secret_stack([&] {
    const CentredNumbers centred(key_.n());
    WordVector residue(centred.size());
    centred.any_residue(residue, k);
    return EvaluatedCiphertext(key_,
                               std::move(hidden(arithmetic_->narrow(), {&x.value_, 1}, residue, {}).front()));
  });
}

EvaluatedCiphertext Evaluator::multiply_vartime(const EvaluatedCiphertext& x, const Integer& k) const {
  check_same_key(key_, x.key_);
  if (abs(k) > key_.n()) throw Error(ErrorKind::out_of_range, "a scalar lies outside [-n, n]");
  // Never n − |k|: an inversion is cheaper than a full-length power.
  const Integer base = k < 0 ? invert_vartime(x.value_, key_.n_squared()) : x.value_;
  return {key_, pow_mod_vartime(base, abs(k), key_.n_squared())};
}

void Evaluator::check(const CiphertextVector& x) const {
  check_same_key(key_, x.key_);
  if (x.lanes_ != arithmetic_->wide().lanes()) {
    throw Error(ErrorKind::invalid_argument, "the ciphertexts were loaded by another backend's evaluator");
  }
}

template <typename Step>
void Evaluator::for_elements(CiphertextVector& x, const Step& step) const {
  const std::size_t words = arithmetic_->wide().words();
  const std::vector<Share> shares = even_shares(x.words_.size() / words, kElementsAShare);
  parallel_for(shares.size(), [&](std::size_t share) {
    for (std::size_t i = 0; i < shares[share].count; ++i) step((shares[share].first + i) * words);
  });
}

CiphertextVector Evaluator::load(std::span<const Ciphertext> ciphertexts) const {
  for (const Ciphertext& ciphertext : ciphertexts) check_same_key(key_, ciphertext.key());
  const PairArithmetic& f = arithmetic_->wide();
  CiphertextVector loaded(key_, ciphertexts.size(), f.lanes(),
                          WordVector(groups_of(ciphertexts.size(), f.lanes()) * f.words()));
  for_elements(loaded, [&](std::size_t at) {
    std::vector<Integer> lanes(f.lanes(), 1);
    const std::size_t first = at / f.words() * f.lanes();
    for (std::size_t lane = 0; lane < f.lanes() && first + lane < ciphertexts.size(); ++lane) {
      lanes[lane] = ciphertexts[first + lane].value();
    }
    f.load(loaded.words_.data() + at, lanes);
  });
  return loaded;
}

std::vector<EvaluatedCiphertext> Evaluator::store(const CiphertextVector& x) const {
  check(x);
  const PairArithmetic& f = arithmetic_->wide();
  std::vector<std::vector<Integer>> values(x.words_.size() / f.words());
  parallel_for(values.size(), [&](std::size_t i) { values[i] = f.store(x.words_.data() + i * f.words()); });
  std::vector<EvaluatedCiphertext> stored;
  stored.reserve(x.size_);
  for (std::size_t i = 0; i < x.size_; ++i) {
    stored.push_back(EvaluatedCiphertext(key_, std::move(values[i / f.lanes()][i % f.lanes()])));
  }
  return stored;
}

void Evaluator::add_to(CiphertextVector& x, const CiphertextVector& y) const {
  check(x);
  check(y);
  if (x.size_ != y.size_) throw Error(ErrorKind::invalid_argument, "the vectors differ in length");
  for_elements(x, [&](std::size_t at) {
    arithmetic_->wide().mul(x.words_.data() + at, x.words_.data() + at, y.words_.data() + at);
  });
}

void Evaluator::multiply_by_vartime(CiphertextVector& x, const Integer& k) const {
  check(x);
  if (abs(k) > key_.n()) throw Error(ErrorKind::out_of_range, "a scalar lies outside [-n, n]");
  const PairArithmetic& f = arithmetic_->wide();
  if (k < 0) {
    const std::vector<Share> shares = even_shares(x.words_.size() / f.words(), kInversionSegment);
    parallel_for(shares.size(), [&](std::size_t i) {
      Word* const first = x.words_.data() + shares[i].first * f.words();
      const auto inverses = invert_batch_vartime(f, first, shares[i].count);
      if (!inverses) throw Error(ErrorKind::invalid_ciphertext, "a ciphertext is not a unit mod n^2");
      std::copy(inverses->begin(), inverses->end(), first);
    });
  }
  const Integer magnitude = abs(k);
  for_elements(
      x, [&](std::size_t at) { pow_vartime(f, x.words_.data() + at, x.words_.data() + at, magnitude); });
}

MatrixSchedule Evaluator::schedule(const WeightMatrix& matrix) const {
  return {matrix, arithmetic_->wide().lanes()};
}

void Evaluator::check(const MatrixSchedule& schedule, std::span<const Ciphertext> x) const {
  if (x.empty() || x.size() % schedule.inputs() != 0 ||
      schedule.plan().lanes() != arithmetic_->wide().lanes()) {
    throw Error(ErrorKind::invalid_argument, "the weight matrix does not fit the ciphertexts");
  }
  for (const Ciphertext& ciphertext : x) check_same_key(key_, ciphertext.key());
}

void Evaluator::check(const MatrixSchedule& schedule, std::span<const Integer> constants,
                      std::span<const Ciphertext> x) const {
  check(schedule, x);
  if (constants.size() != x.size() / schedule.inputs() * schedule.outputs()) {
    throw Error(ErrorKind::invalid_argument, "there must be one constant for every output");
  }
}

std::vector<EvaluatedCiphertext> Evaluator::multiply(const MatrixSchedule& schedule,
                                                     std::span<const Ciphertext> x) const {
  check(schedule, x);
  std::vector<MatrixProduct::Query> queries;
  for (std::size_t at = 0; at < x.size(); at += schedule.inputs()) {
    queries.push_back({arithmetic_.get(), x.subspan(at, schedule.inputs())});
  }
  MatrixProduct product(schedule, std::move(queries));
  parallel_for(product.tables(), [&](std::size_t i) { product.make_table(i); });
  parallel_for(product.digits(), [&](std::size_t i) { product.make_digits(i); });
  parallel_for(product.outputs(), [&](std::size_t i) { product.make_output(i); });
  std::vector<EvaluatedCiphertext> results;
  results.reserve(x.size() / schedule.inputs() * schedule.outputs());
  for (Integer& value : product.take()) results.push_back(EvaluatedCiphertext(key_, std::move(value)));
  return results;
}

std::vector<Ciphertext> Evaluator::affine(const MatrixSchedule& schedule, std::span<const Integer> constants,
                                          std::span<const Ciphertext> x) const {
  const AffineTask task{*this, schedule, constants, x};
  return std::move(affine_together({&task, 1}).front().value());
}

Ciphertext Evaluator::rerandomise(const EvaluatedCiphertext& x) const {
  return rerandomise(std::span(&x, 1)).front();
}

std::vector<Ciphertext> Evaluator::rerandomise(std::span<const EvaluatedCiphertext> x) const {
  for (const EvaluatedCiphertext& ciphertext : x) check_same_key(key_, ciphertext.key());
  return on_secret_stack([&] {
    ReplyNoise::Order noise = noise_->order(x.size());
    parallel_for(noise.groups(), [&](std::size_t group) { noise.make(group); });
    const std::vector<Integer> fresh = std::move(noise.take().front());
    const PairArithmetic& f = arithmetic_->of(arithmetic_->for_numbers(x.size()));
    std::vector<Integer> values;
    values.reserve(x.size());
    for (const EvaluatedCiphertext& ciphertext : x) values.push_back(ciphertext.value_);
    std::vector<std::vector<Integer>> groups(groups_of(x.size(), f.lanes()));
    parallel_for(groups.size(), [&](std::size_t i) {
      const std::size_t first = i * f.lanes();
      const std::size_t count = std::min(f.lanes(), x.size() - first);
      groups[i] = hidden(f, std::span<const Integer>(values).subspan(first, count), {},
                         std::span<const Integer>(fresh).subspan(first, count));
    });
    std::vector<Ciphertext> ciphertexts;
    ciphertexts.reserve(x.size());
    for (std::vector<Integer>& group : groups) {
      for (Integer& value : group) ciphertexts.push_back(Ciphertext(key_, std::move(value)));
    }
    return ciphertexts;
  });
}

}  // namespace opaline
