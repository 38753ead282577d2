#include "opaline/bigint/backend.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <limits>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "opaline/base/constant_time.h"
#include "opaline/base/error.h"
#include "opaline/bigint/kernels/avx512ifma.h"
#include "opaline/bigint/kernels/portable.h"

namespace opaline {

namespace {

/// Numbers one after the other, in `size` words each.
WordVector words_of(std::span<const Integer> values, std::size_t size) {
  WordVector words(values.size() * size);
  for (std::size_t i = 0; i < values.size(); ++i)
    to_words(values[i], std::span(words).subspan(i * size, size));
  return words;
}

}  // namespace

void PairArithmetic::load(Word* r, std::span<const Integer> values) const {
  load_words(r, words_of(values.first(lanes_), 2 * modulus_size_).data());
}

void PairArithmetic::load_half(Word* r, std::span<const Integer> values) const {
  load_half_words(r, words_of(values.first(lanes_), modulus_size_).data());
}

std::vector<PairArithmetic::Halves> PairArithmetic::store_halves(const Word* x) const {
  WordVector words(2 * lanes_ * modulus_size_);
  store_words(words.data(), x);
  std::vector<Halves> halves;
  halves.reserve(lanes_);
  for (std::size_t lane = 0; lane < lanes_; ++lane) {
    const auto number = std::span(words).subspan(2 * lane * modulus_size_, 2 * modulus_size_);
    halves.push_back({from_words(number.first(modulus_size_)), from_words(number.last(modulus_size_))});
  }
  return halves;
}

std::vector<Integer> PairArithmetic::store(const Word* x) const {
  std::vector<Integer> values;
  values.reserve(lanes_);
  for (const Halves& halves : store_halves(x)) values.push_back(halves.a + halves.b * modulus(values.size()));
  return values;
}

std::unique_ptr<const PairArithmetic> Backend::pair_arithmetic(
    std::span<const std::span<const Word>> moduli) const {
  bool good = moduli.size() == lanes();
  if (good) {
    const std::size_t bits = public_bit_length(moduli.front());
    good = bits >= 2 && bits <= 8192;
    for (const std::span<const Word> m : moduli) {
      good = good && m.size() == words_for(bits) && public_bit_length(m) == bits &&
             declassified(m.front() & 1) == 1;
    }
  }
  if (!good) throw Error(ErrorKind::invalid_argument, "moduli must be odd, of one size, and one a lane");
  return make_arithmetic(moduli);
}

std::unique_ptr<const PairArithmetic> Backend::pair_arithmetic(std::span<const Integer> moduli) const {
  std::vector<WordVector> words;
  words.reserve(moduli.size());
  std::vector<std::span<const Word>> views;
  for (const Integer& modulus : moduli) {
    const auto same = std::find(moduli.begin(), moduli.end(), modulus) - moduli.begin();
    if (static_cast<std::size_t>(same) < views.size()) {
      views.push_back(views[static_cast<std::size_t>(same)]);  // lanes that share a modulus share its words
      continue;
    }
    // What is no modulus is refused with the others.
    words.emplace_back(modulus > 0 ? words_for(bit_length(modulus)) : 0);
    if (modulus > 0) to_words(modulus, words.back());
    views.emplace_back(words.back());
  }
  return pair_arithmetic(views);
}

std::span<const Backend* const> backends() {
  static const std::array<const Backend*, 2> all = {&avx512ifma_backend(), &portable_backend()};
  return all;
}

const Backend& backend(std::string_view name) {
  std::string names;
  for (const Backend* const candidate : backends()) {
    const bool wanted = name == "auto" ? candidate->supported() : name == candidate->name();
    if (wanted && candidate->supported()) return *candidate;
    if (wanted) {
      throw Error(ErrorKind::unsupported_backend,
                  "backend '" + std::string(name) +
                      "' needs what this machine lacks: " + std::string(candidate->description()));
    }
    names.append(names.empty() ? "" : ", ").append(candidate->name());
  }
  throw Error(ErrorKind::unsupported_backend,
              "no backend '" + std::string(name) + "' in this build; there is: auto, " + names);
}

const Backend& default_backend() {
  const char* name = std::getenv("OPALINE_BACKEND");
  return backend(name == nullptr || *name == '\0' ? "auto" : name);
}

namespace {

/// Squares of elements, to be timed.
class Squares {
 public:
  explicit Squares(const Backend& backend)
      : f_(uniform_arithmetic(backend, (Integer(1) << 2048U) - 1)), x_(f_->words()) {
    f_->load(x_.data(), std::vector<Integer>(f_->lanes(), 3));
  }

  void time() {
    using Clock = std::chrono::steady_clock;
    constexpr int kSquares = 10;
    const Clock::time_point start = Clock::now();
    for (int i = 0; i < kSquares; ++i) f_->sqr(x_.data(), x_.data());
    least_ = std::min(least_, std::chrono::duration<double>(Clock::now() - start).count());
  }

  double least() const { return least_; }

 private:
  std::unique_ptr<const PairArithmetic> f_;
  WordVector x_;
  double least_ = std::numeric_limits<double>::infinity();
};

// By turns, so that a clock still speeding up or another process disturbs both.
bool narrower_is_quicker(const Backend& backend) {
  constexpr int kTurns = 40;
  constexpr double kWellUnder = 0.7;
  if (&backend.narrower() == &backend) return false;
  Squares wide(backend);
  Squares narrow(backend.narrower());
  for (int i = 0; i < kTurns; ++i) {
    wide.time();
    narrow.time();
  }
  return narrow.least() < kWellUnder * wide.least();
}

}  // namespace

const Backend& quick_backend(const Backend& backend) {
  static std::mutex mutex;
  static std::map<const Backend*, bool> known;
  const std::lock_guard lock(mutex);
  const auto found = known.find(&backend);
  const bool narrower = found != known.end()
                            ? found->second
                            : known.emplace(&backend, narrower_is_quicker(backend)).first->second;
  return narrower ? backend.narrower() : backend;
}

std::unique_ptr<const PairArithmetic> uniform_arithmetic(const Backend& backend, const Integer& modulus) {
  return backend.pair_arithmetic(std::vector<Integer>(backend.lanes(), modulus));
}

std::unique_ptr<const PairArithmetic> uniform_arithmetic(const Backend& backend,
                                                         std::span<const Word> modulus) {
  return backend.pair_arithmetic(std::vector<std::span<const Word>>(backend.lanes(), modulus));
}

}  // namespace opaline
