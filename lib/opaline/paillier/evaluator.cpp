#include "opaline/paillier/evaluator.h"

#include <algorithm>
#include <limits>
#include <string>

#include "opaline/base/error.h"
#include "opaline/base/parallel.h"
#include "opaline/bigint/batch_inversion.h"
#include "opaline/bigint/exponentiation.h"
#include "opaline/paillier/noise.h"

namespace opaline {
namespace {

/// Elements inverted with one inversion.
constexpr std::size_t kInversionSegment = 128;

void check_same_key(const PublicKey& expected, const PublicKey& key) {
  if (expected != key) throw Error(ErrorKind::wrong_key, "the ciphertext was made for another key");
}

void check(const WeightMatrix& matrix, std::size_t ciphertexts) {
  if (matrix.bits < 2 || matrix.bits > 24 || matrix.values.size() != matrix.outputs * matrix.inputs ||
      matrix.inputs != ciphertexts || matrix.inputs == 0 || matrix.outputs == 0) {
    throw Error(ErrorKind::invalid_argument, "the weight matrix does not fit the ciphertexts");
  }
  const std::int32_t limit = std::int32_t{1} << (matrix.bits - 1);
  if (std::any_of(matrix.values.begin(), matrix.values.end(),
                  [limit](std::int32_t weight) { return weight >= limit || weight <= -limit; })) {
    throw Error(ErrorKind::invalid_argument,
                "a weight does not fit its " + std::to_string(matrix.bits) + " bits");
  }
}

/// How |w| < 2^bits is cut into digits: the width with the fewest products for `rows` elements an output.
struct Digits {
  Digits(unsigned bits, std::size_t rows) {
    std::size_t fewest = std::numeric_limits<std::size_t>::max();
    for (unsigned candidate = 1; candidate <= std::min(bits, 12U); ++candidate) {
      const std::size_t digits = (bits + candidate - 1) / candidate;
      const std::size_t products = digits * (rows + (std::size_t{2} << candidate) + candidate);
      if (products >= fewest) continue;
      fewest = products;
      width = candidate;
      count = digits;
    }
  }

  std::size_t buckets() const { return std::size_t{1} << width; }

  unsigned width = 1;
  std::size_t count = 1;
};

/// Inputs spread over the lanes: row i holds inputs i·lanes … i·lanes + lanes − 1, each as a table of two
/// elements, the ciphertext and its inverse. Missing inputs are 1.
class Rows {
 public:
  Rows(const PairArithmetic& f, std::span<const Ciphertext> x)
      : count_(groups_of(x.size(), f.lanes())), stride_(2 * f.words()), tables_(count_ * stride_) {
    const std::size_t segments = groups_of(count_, kInversionSegment);
    parallel_for(segments, [&](std::size_t segment) {
      const std::size_t first = segment * kInversionSegment;
      const std::size_t rows = std::min(kInversionSegment, count_ - first);
      WordVector elements(rows * f.words());
      for (std::size_t row = 0; row < rows; ++row) {
        std::vector<Integer> lanes(f.lanes(), 1);
        for (std::size_t lane = 0; lane < f.lanes(); ++lane) {
          const std::size_t input = (first + row) * f.lanes() + lane;
          if (input < x.size()) lanes[lane] = x[input].value();
        }
        f.load(elements.data() + row * f.words(), lanes);
      }
      const auto inverses = invert_batch_vartime(f, elements.data(), rows);
      if (!inverses) throw Error(ErrorKind::invalid_ciphertext, "a ciphertext is not a unit mod n^2");
      for (std::size_t row = 0; row < rows; ++row) {
        Word* const table = tables_.data() + (first + row) * stride_;
        std::copy_n(elements.data() + row * f.words(), f.words(), table);
        std::copy_n(inverses->data() + row * f.words(), f.words(), table + f.words());
      }
    });
  }

  std::size_t count() const { return count_; }
  const Word* operator[](std::size_t row) const { return tables_.data() + row * stride_; }

 private:
  std::size_t count_;
  std::size_t stride_;
  WordVector tables_;
};

/// Π_j x_j^w_j for one output, as a number in every lane: the product over the inputs of that lane.
class OutputProduct {
 public:
  OutputProduct(const PairArithmetic& f, const Digits& digits)
      : f_(f), digits_(digits), buckets_(digits.buckets() * f.words()), one_(f.words()), result_(f.words()) {
    set_one(f_, one_.data());
  }

  const WordVector& compute(const Rows& rows, std::span<const std::int32_t> weights) {
    result_ = one_;
    for (std::size_t digit = digits_.count; digit-- > 0;) {
      for (unsigned i = 0; i < digits_.width; ++i) f_.sqr(result_.data(), result_.data());
      fill_buckets(rows, weights, digit);
      multiply_by_buckets();
    }
    return result_;
  }

 private:
  /// bucket[d] = product of the inputs whose digit is d. Bucket 0 is filled like the others, so that the work
  /// does not tell how many weights are zero.
  void fill_buckets(const Rows& rows, std::span<const std::int32_t> weights, std::size_t digit) {
    const std::size_t lanes = f_.lanes();
    WordVector factor(f_.words());
    WordVector bucket(f_.words());
    std::vector<std::uint32_t> sign(lanes);
    std::vector<std::uint32_t> index(lanes);
    for (std::size_t i = 0; i < digits_.buckets(); ++i) {
      std::copy(one_.begin(), one_.end(), buckets_.begin() + static_cast<std::ptrdiff_t>(i * f_.words()));
    }
    for (std::size_t row = 0; row < rows.count(); ++row) {
      for (std::size_t lane = 0; lane < lanes; ++lane) {
        const std::size_t input = row * lanes + lane;
        const std::int32_t weight = input < weights.size() ? weights[input] : 0;
        const auto magnitude = static_cast<std::uint32_t>(weight < 0 ? -weight : weight);
        sign[lane] = weight < 0 ? 1U : 0U;
        index[lane] =
            (magnitude >> (digit * digits_.width)) & static_cast<std::uint32_t>(digits_.buckets() - 1);
      }
      f_.gather_vartime(factor.data(), rows[row], sign);
      f_.gather_vartime(bucket.data(), buckets_.data(), index);
      f_.mul(bucket.data(), bucket.data(), factor.data());
      f_.scatter_vartime(buckets_.data(), index, bucket.data());
    }
  }

  /// result *= Π_d bucket[d]^d, as the product of the running products from the top.
  void multiply_by_buckets() {
    WordVector running(one_);
    for (std::size_t d = digits_.buckets() - 1; d > 0; --d) {
      f_.mul(running.data(), running.data(), buckets_.data() + d * f_.words());
      f_.mul(result_.data(), result_.data(), running.data());
    }
  }

  const PairArithmetic& f_;
  const Digits& digits_;
  WordVector buckets_;
  WordVector one_;
  WordVector result_;
};

}  // namespace

Evaluator::Evaluator(const PublicKey& key, const Backend& backend)
    : key_(key), arithmetic_(uniform_arithmetic(backend, key.n())) {}
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
  WordVector power(arithmetic_->words());
  arithmetic_->load(power.data(), std::vector<Integer>(arithmetic_->lanes(), base));
  pow_vartime(*arithmetic_, power.data(), power.data(), abs(k));
  return {key_, arithmetic_->store(power.data()).front()};
}

std::vector<EvaluatedCiphertext> Evaluator::multiply(const WeightMatrix& matrix,
                                                     std::span<const Ciphertext> x) const {
  check(matrix, x.size());
  for (const Ciphertext& ciphertext : x) check_same_key(key_, ciphertext.key());
  const PairArithmetic& f = *arithmetic_;
  const Rows rows(f, x);
  const Digits digits(matrix.bits - 1, rows.count());
  std::vector<Integer> products(matrix.outputs);
  parallel_for(matrix.outputs, [&](std::size_t output) {
    OutputProduct product(f, digits);
    const WordVector& lanes =
        product.compute(rows, matrix.values.subspan(output * matrix.inputs, matrix.inputs));
    Integer value = 1;
    for (const Integer& lane : f.store(lanes.data())) value = value * lane % key_.n_squared();
    products[output] = value;
  });
  std::vector<EvaluatedCiphertext> results;
  results.reserve(products.size());
  for (Integer& product : products) results.push_back(EvaluatedCiphertext(key_, std::move(product)));
  return results;
}

Ciphertext Evaluator::rerandomise(const EvaluatedCiphertext& x) const {
  return rerandomise(std::span(&x, 1)).front();
}

std::vector<Ciphertext> Evaluator::rerandomise(std::span<const EvaluatedCiphertext> x) const {
  for (const EvaluatedCiphertext& ciphertext : x) check_same_key(key_, ciphertext.key());
  const PairArithmetic& f = *arithmetic_;
  std::vector<Integer> values(x.size());
  parallel_for(groups_of(x.size(), f.lanes()), [&](std::size_t group) {
    const std::size_t first = group * f.lanes();
    const std::size_t count = std::min(f.lanes(), x.size() - first);
    WordVector noise(f.words());
    WordVector element(f.words());
    fresh_public_noise(f, noise.data());
    std::vector<Integer> lanes(f.lanes(), 1);
    for (std::size_t lane = 0; lane < count; ++lane) lanes[lane] = x[first + lane].value_;
    f.load(element.data(), lanes);
    f.mul(element.data(), element.data(), noise.data());
    lanes = f.store(element.data());
    for (std::size_t lane = 0; lane < count; ++lane) values[first + lane] = std::move(lanes[lane]);
  });
  std::vector<Ciphertext> ciphertexts;
  ciphertexts.reserve(values.size());
  for (Integer& value : values) ciphertexts.push_back(Ciphertext(key_, std::move(value)));
  return ciphertexts;
}

}  // namespace opaline
