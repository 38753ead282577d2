#include "opaline/paillier/evaluator.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/base/parallel.h"
#include "opaline/bigint/batch_inversion.h"
#include "opaline/bigint/exponentiation.h"
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

/// The powers of all inputs that a schedule reads, row by row: 1, x, x², … and 1, x^−1, x^−2, …; for buckets
/// x and x^−1 alone. Missing inputs are 1.
class InputPowers {
 public:
  InputPowers(const PairArithmetic& f, const MatrixSchedule& schedule, std::span<const Ciphertext> x)
      : f_(f),
        powers_(schedule.method() == MatrixSchedule::Method::powers ? std::size_t{1} << schedule.digit_bits()
                                                                    : 1),
        tables_(schedule.rows() * stride()) {
    const std::vector<Share> segments = even_shares(schedule.rows(), kInversionSegment);
    parallel_for(segments.size(), [&](std::size_t i) { fill(segments[i], x); });
  }

  const Word* operator[](std::size_t row) const { return tables_.data() + row * stride(); }

 private:
  std::size_t stride() const { return 2 * powers_ * f_.words(); }

  void fill(const Share& segment, std::span<const Ciphertext> x) {
    const std::size_t words = f_.words();
    WordVector elements(segment.count * words);
    std::vector<Integer> lanes(f_.lanes());
    for (std::size_t row = 0; row < segment.count; ++row) {
      for (std::size_t lane = 0; lane < f_.lanes(); ++lane) {
        const std::size_t input = (segment.first + row) * f_.lanes() + lane;
        lanes[lane] = input < x.size() ? x[input].value() : Integer(1);
      }
      f_.load(elements.data() + row * words, lanes);
    }
    const auto inverses = invert_batch_vartime(f_, elements.data(), segment.count);
    if (!inverses) throw Error(ErrorKind::invalid_ciphertext, "a ciphertext is not a unit mod n^2");
    for (std::size_t row = 0; row < segment.count; ++row) {
      Word* const table = tables_.data() + (segment.first + row) * stride();
      fill_powers(table, elements.data() + row * words);
      fill_powers(table + stride() / 2, inverses->data() + row * words);
    }
  }

  void fill_powers(Word* table, const Word* x) const {
    const std::size_t words = f_.words();
    if (powers_ == 1) {
      std::copy_n(x, words, table);
      return;
    }
    set_one(f_, table);
    std::copy_n(x, words, table + words);
    for (std::size_t i = 2; i < powers_; ++i) f_.mul(table + i * words, table + (i - 1) * words, x);
  }

  const PairArithmetic& f_;
  std::size_t powers_;
  WordVector tables_;
};

/// Π_j x_j^w_j for one output after the other, as a number in every lane: the product over the inputs of that
/// lane. One for each thread that works.
class OutputProduct {
 public:
  OutputProduct(const PairArithmetic& f, const MatrixSchedule& schedule, const InputPowers& inputs)
      : f_(f),
        schedule_(schedule),
        inputs_(inputs),
        bucket_count_(schedule.method() == MatrixSchedule::Method::buckets
                          ? std::size_t{1} << schedule.digit_bits()
                          : 0),
        buckets_(bucket_count_ * f.words()),
        one_(f.words()),
        result_(f.words()),
        factor_(f.words()),
        bucket_(f.words()) {
    set_one(f_, one_.data());
  }

  const Word* compute(std::size_t output) {
    result_ = one_;
    for (std::size_t digit = schedule_.digits(); digit-- > 0;) {
      for (unsigned i = 0; i < schedule_.digit_bits(); ++i) f_.sqr(result_.data(), result_.data());
      if (schedule_.method() == MatrixSchedule::Method::buckets) {
        fill_buckets(output, digit);
        multiply_by_buckets();
      } else {
        multiply_by_powers(output, digit);
      }
    }
    return result_.data();
  }

 private:
  /// bucket[d] = product of the inputs whose digit is d. Bucket 0 is filled like the others, so that the work
  /// does not tell how many weights are zero.
  void fill_buckets(std::size_t output, std::size_t digit) {
    for (std::size_t i = 0; i < bucket_count_; ++i) {
      std::copy(one_.begin(), one_.end(), buckets_.begin() + static_cast<std::ptrdiff_t>(i * f_.words()));
    }
    for (std::size_t row = 0; row < schedule_.rows(); ++row) {
      const std::span<const std::uint32_t> index = schedule_.indices(output, digit, row);
      f_.gather_vartime(factor_.data(), inputs_[row], schedule_.signs(output, row));
      f_.gather_vartime(bucket_.data(), buckets_.data(), index);
      f_.mul(bucket_.data(), bucket_.data(), factor_.data());
      f_.scatter_vartime(buckets_.data(), index, bucket_.data());
    }
  }

  /// result *= Π_d bucket[d]^d, as the product of the running products from the top.
  void multiply_by_buckets() {
    Word* const running = bucket_.data();
    std::copy(one_.begin(), one_.end(), running);
    for (std::size_t d = bucket_count_ - 1; d > 0; --d) {
      f_.mul(running, running, buckets_.data() + d * f_.words());
      f_.mul(result_.data(), result_.data(), running);
    }
  }

  void multiply_by_powers(std::size_t output, std::size_t digit) {
    for (std::size_t row = 0; row < schedule_.rows(); ++row) {
      f_.gather_vartime(factor_.data(), inputs_[row], schedule_.indices(output, digit, row));
      f_.mul(result_.data(), result_.data(), factor_.data());
    }
  }

  const PairArithmetic& f_;
  const MatrixSchedule& schedule_;
  const InputPowers& inputs_;
  std::size_t bucket_count_;
  WordVector buckets_;
  WordVector one_;
  WordVector result_;
  WordVector factor_;
  WordVector bucket_;
};

}  // namespace

/// Noise for `count` replies: what the pool has, and the rest in groups of lanes that can be made side by
/// side with other work. What is left of the last group goes back to the pool.
class Evaluator::FreshNoise {
 public:
  FreshNoise(const Evaluator& evaluator, std::size_t count)
      : evaluator_(evaluator), count_(count), ready_(evaluator.noise_->take_ready(count)) {
    made_.resize(groups_of(count - ready_.size(), evaluator.arithmetic_->lanes()));
  }

  std::size_t groups() const { return made_.size(); }
  void make(std::size_t group) { made_[group] = fresh_public_noise(*evaluator_.arithmetic_); }

  std::vector<Integer> take() {
    for (std::vector<Integer>& group : made_) {
      for (Integer& number : group) ready_.push_back(std::move(number));
    }
    const auto end = ready_.begin() + static_cast<std::ptrdiff_t>(count_);
    evaluator_.noise_->put({std::make_move_iterator(end), std::make_move_iterator(ready_.end())});
    ready_.erase(end, ready_.end());
    return std::move(ready_);
  }

 private:
  const Evaluator& evaluator_;
  std::size_t count_;
  std::vector<Integer> ready_;
  std::vector<std::vector<Integer>> made_;
};

Evaluator::Evaluator(const PublicKey& key, const Backend& backend)
    : key_(key),
      arithmetic_(uniform_arithmetic(backend, key.n())),
      noise_(std::make_unique<NoisePool>([f = arithmetic_.get()] { return fresh_public_noise(*f); },
                                         2 * key.bits(), arithmetic_->lanes())) {}
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
  return {key_, x.value_ * (1 + floor_mod(k, key_.n()) * key_.n()) % key_.n_squared()};
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
  if (x.lanes_ != arithmetic_->lanes()) {
    throw Error(ErrorKind::invalid_argument, "the ciphertexts were loaded by another backend's evaluator");
  }
}

template <typename Step>
void Evaluator::for_elements(CiphertextVector& x, const Step& step) const {
  const std::size_t words = arithmetic_->words();
  const std::vector<Share> shares = even_shares(x.words_.size() / words, kElementsAShare);
  parallel_for(shares.size(), [&](std::size_t share) {
    for (std::size_t i = 0; i < shares[share].count; ++i) step((shares[share].first + i) * words);
  });
}

CiphertextVector Evaluator::load(std::span<const Ciphertext> ciphertexts) const {
  for (const Ciphertext& ciphertext : ciphertexts) check_same_key(key_, ciphertext.key());
  const PairArithmetic& f = *arithmetic_;
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
  const PairArithmetic& f = *arithmetic_;
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
    arithmetic_->mul(x.words_.data() + at, x.words_.data() + at, y.words_.data() + at);
  });
}

void Evaluator::multiply_by_vartime(CiphertextVector& x, const Integer& k) const {
  check(x);
  if (abs(k) > key_.n()) throw Error(ErrorKind::out_of_range, "a scalar lies outside [-n, n]");
  const PairArithmetic& f = *arithmetic_;
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
  return {matrix, arithmetic_->lanes()};
}

void Evaluator::check(const MatrixSchedule& schedule, std::span<const Ciphertext> x) const {
  if (schedule.inputs() != x.size() || schedule.lanes() != arithmetic_->lanes()) {
    throw Error(ErrorKind::invalid_argument, "the weight matrix does not fit the ciphertexts");
  }
  for (const Ciphertext& ciphertext : x) check_same_key(key_, ciphertext.key());
}

std::vector<Integer> Evaluator::products_beside(const MatrixSchedule& schedule, std::span<const Ciphertext> x,
                                                std::size_t tasks, const Task& task) const {
  const PairArithmetic& f = *arithmetic_;
  const InputPowers inputs(f, schedule, x);
  std::vector<Integer> products(schedule.outputs());
  parallel_for(tasks + products.size(), [&](std::size_t i) {
    if (i < tasks) return task(i);
    Integer& value = products[i - tasks];
    value = 1;
    OutputProduct product(f, schedule, inputs);
    for (const Integer& lane : f.store(product.compute(i - tasks))) value = value * lane % key_.n_squared();
  });
  return products;
}

std::vector<EvaluatedCiphertext> Evaluator::multiply(const MatrixSchedule& schedule,
                                                     std::span<const Ciphertext> x) const {
  check(schedule, x);
  std::vector<EvaluatedCiphertext> results;
  results.reserve(schedule.outputs());
  for (Integer& product : products_beside(schedule, x, 0, {})) {
    results.push_back(EvaluatedCiphertext(key_, std::move(product)));
  }
  return results;
}

std::vector<Ciphertext> Evaluator::affine(const MatrixSchedule& schedule, std::span<const Integer> constants,
                                          std::span<const Ciphertext> x) const {
  check(schedule, x);
  if (constants.size() != schedule.outputs()) {
    throw Error(ErrorKind::invalid_argument, "there must be one constant for every output");
  }
  FreshNoise noise(*this, schedule.outputs());
  std::vector<Integer> values =
      products_beside(schedule, x, noise.groups(), [&](std::size_t group) { noise.make(group); });
  const std::vector<Integer> fresh = noise.take();
  std::vector<Ciphertext> results;
  results.reserve(values.size());
  for (std::size_t k = 0; k < values.size(); ++k) {
    const Integer constant = 1 + floor_mod(constants[k], key_.n()) * key_.n();
    results.push_back(
        Ciphertext(key_, values[k] * constant % key_.n_squared() * fresh[k] % key_.n_squared()));
  }
  return results;
}

Ciphertext Evaluator::rerandomise(const EvaluatedCiphertext& x) const {
  return rerandomise(std::span(&x, 1)).front();
}

std::vector<Ciphertext> Evaluator::rerandomise(std::span<const EvaluatedCiphertext> x) const {
  for (const EvaluatedCiphertext& ciphertext : x) check_same_key(key_, ciphertext.key());
  FreshNoise noise(*this, x.size());
  parallel_for(noise.groups(), [&](std::size_t group) { noise.make(group); });
  const std::vector<Integer> fresh = noise.take();
  std::vector<Ciphertext> ciphertexts;
  ciphertexts.reserve(x.size());
  for (std::size_t i = 0; i < x.size(); ++i) {
    ciphertexts.push_back(Ciphertext(key_, x[i].value_ * fresh[i] % key_.n_squared()));
  }
  return ciphertexts;
}

}  // namespace opaline
