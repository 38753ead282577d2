// Times what works on secrets with one fixed secret and with random ones, by turns in random order, and asks
// whether the times differ. `timing_test --samples 1000000` is the long form.
#include <x86intrin.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "opaline/base/random.h"
#include "opaline/base/secret_base64.h"
#include "opaline/bigint/divider.h"
#include "opaline/bigint/exponentiation.h"
#include "opaline/bigint/fixed_base.h"
#include "opaline/packing/slot_layout.h"
#include "opaline/paillier/centred_numbers.h"
#include "opaline/paillier/decryptor.h"
#include "opaline/paillier/encryptor.h"
#include "welch.h"

using namespace opaline;
using opaline::test::Timing;

namespace {

constexpr double kLimit = 4.5;
constexpr std::size_t kInputs = 256;  ///< of each class
constexpr int kAttempts = 5;

/// A step on one of a number of inputs, which are the fixed one for even and random ones for odd indices.
/// What it reads it copies to one place first, unmeasured.
struct Step {
  std::string name;
  std::size_t cost;  ///< so many times fewer samples
  std::function<void(std::size_t)> prepare;
  std::function<void()> run;
};

std::uint64_t now() {
  unsigned processor = 0;
  _mm_lfence();
  const std::uint64_t cycles = __rdtscp(&processor);
  _mm_lfence();
  return cycles;
}

/// |t|, the measurements' order drawn anew.
double measure(const Step& step, std::size_t samples) {
  std::vector<std::uint16_t> order(samples);
  fill_random({reinterpret_cast<std::uint8_t*>(order.data()), order.size() * sizeof(order[0])});
  std::vector<Timing> timings;
  timings.reserve(samples);
  for (std::size_t i = 0; i < samples; ++i) {
    const std::size_t input = order[i] % (2 * kInputs);
    step.prepare(input);
    const std::uint64_t start = now();
    step.run();
    timings.push_back({input % 2 == 0, now() - start});
  }
  timings.erase(timings.begin(), timings.begin() + static_cast<std::ptrdiff_t>(samples / 50));  // warming up
  return std::abs(test::largest_t(std::move(timings)));
}

/// Numbers of so many words below the bound, all even ones the same.
std::vector<WordVector> inputs_below(std::span<const Word> bound) {
  std::vector<WordVector> inputs(2 * kInputs, WordVector(bound.size()));
  for (WordVector& input : inputs) random_below(input, bound);
  for (std::size_t i = 2; i < inputs.size(); i += 2) inputs[i] = inputs[0];
  return inputs;
}

/// An input of one class, of which the other's neighbour is read as well: where they lie, and so what they do
/// to caches, must not differ between the classes.
void choose(std::span<Word> copy, const std::vector<WordVector>& inputs, std::size_t i) {
  const Word random = Word{0} - i % 2;
  const WordVector& fixed_input = inputs[i - i % 2];
  const WordVector& random_input = inputs[i - i % 2 + 1];
  for (std::size_t k = 0; k < fixed_input.size(); ++k) {
    copy[k] = (fixed_input[k] & ~random) | (random_input[k] & random);
  }
}

WordVector all_ones(std::size_t words) { return WordVector(words, ~Word{0}); }

class Steps {
 public:
  Steps() : key_(SecretKey::generate(kSmallestKeyBits)) {
    add_comparison();
    add_division();
    add_base64();
    add_plaintexts();
    add_slots();
    for (const Backend* const backend : backends()) {
      if (!backend->supported()) continue;
      add_products(*backend);
      add_conversions(*backend);
      add_powers(*backend);
      add_fixed_base(*backend);
      add_encryption(*backend);
      add_decryption(*backend);
    }
  }

  const std::vector<Step>& all() const { return steps_; }

 private:
  template <typename T>
  std::shared_ptr<T> keep(T value) {
    return std::make_shared<T>(std::move(value));
  }

  /// What this program must find: a comparison that ends at the first difference.
  void add_comparison() {
    auto inputs = keep(inputs_below(all_ones(64)));
    auto copy = keep((*inputs)[0]);
    auto secret = keep((*inputs)[0]);
    steps_.push_back({"leak: a comparison that stops early", 1,
                      [=](std::size_t i) { choose(*copy, *inputs, i); },
                      [=] {
                        volatile std::size_t same = 0;
                        while (same < copy->size() && (*copy)[same] == (*secret)[same]) same = same + 1;
                      }});
  }

  void add_division() {
    auto divider = keep(Divider(key_.p().words()));
    auto inputs = keep(inputs_below(all_ones(key_.p().words().size())));
    auto copy = keep(WordVector(2 * key_.p().words().size()));
    auto rest = keep(WordVector(key_.p().words().size()));
    steps_.push_back({"remainder mod p", 1, [=](std::size_t i) { choose(*copy, *inputs, i); },
                      [=] { divider->remainder(*rest, *copy); }});
  }

  void add_base64() {
    auto inputs = keep(std::vector<SecretBytes>());
    for (const WordVector& words : inputs_below(all_ones(8))) {
      const auto* const bytes = reinterpret_cast<const std::uint8_t*>(words.data());
      inputs->push_back(encode_secret_base64url({bytes, 64}));
    }
    auto copy = keep(SecretBytes());
    steps_.push_back({"base64url of a key file", 1, [=](std::size_t i) { *copy = (*inputs)[i]; },
                      [=] { decode_secret_base64url(*copy); }});
  }

  /// As many words in all of them.
  std::vector<Integer> plaintexts() const {
    const Integer half = key_.public_key().n() / 2;
    std::vector<Integer> all(2 * kInputs);
    for (Integer& plaintext : all) {
      do plaintext = random_below(half);
      while (bit_length(plaintext) + 64 <= bit_length(half));
    }
    for (std::size_t i = 2; i < all.size(); i += 2) all[i] = all[0];
    return all;
  }

  void add_plaintexts() {
    auto centred = keep(CentredNumbers(key_.public_key().n()));
    auto inputs = keep(plaintexts());
    auto copy = keep(Integer());
    auto residue = keep(WordVector(centred->size()));
    steps_.push_back({"residue of a plaintext", 1, [=](std::size_t i) { *copy = (*inputs)[i]; },
                      [=] { centred->residue(*residue, *copy); }});
  }

  /// Inputs into slots, and answers out of them, several of an image in each.
  void add_slots() {
    const Certificate certificate{12, 3, 15, 1000, 40};
    LayoutShape shape{4, 3, 3, 2, 0};
    shape.slot_bits = SlotLayout::slot_bits(shape, certificate);
    auto layout = keep(SlotLayout(shape, certificate, kSmallestKeyBits));
    auto plaintext = keep(WordVector(words_for(kSmallestKeyBits)));

    auto values = keep(inputs_below(all_ones(2 * certificate.inputs)));
    auto chosen = keep((*values)[0]);
    auto images =
        keep(std::vector<std::vector<std::int64_t>>(2, std::vector<std::int64_t>(certificate.inputs)));
    steps_.push_back({"inputs into slots", 1,
                      [=](std::size_t i) {
                        choose(*chosen, *values, i);
                        for (std::size_t j = 0; j < chosen->size(); ++j) {
                          (*images)[j % 2][j / 2] = static_cast<std::int64_t>((*chosen)[j] & 15);
                        }
                      },
                      [=] { layout->pack(*plaintext, 1, *images); }});

    auto replies = keep(std::vector<WordVector>());
    for (const WordVector& random : inputs_below(all_ones(2 * certificate.outputs))) {
      Integer reply = 0;
      for (std::size_t k = 0; k < random.size(); ++k) {
        const Integer biased = random[k] % static_cast<Word>(2 * certificate.bound + 1);
        reply += biased << static_cast<unsigned>(layout->answer_bit(k % 2, k / 2));
      }
      replies->emplace_back(plaintext->size());
      to_words(reply, replies->back());
    }
    steps_.push_back({"answers out of slots", 1, [=](std::size_t i) { choose(*plaintext, *replies, i); },
                      [=] { layout->unpack(0, *plaintext, 2); }});
  }

  static std::string named(const char* what, const Backend& backend) {
    return std::string(what) + ", " + std::string(backend.name());
  }

  void add_products(const Backend& backend) {
    std::shared_ptr<const PairArithmetic> f = uniform_arithmetic(backend, key_.p().words());
    auto inputs = keep(inputs_below(all_ones(key_.p().words().size())));
    auto elements = keep(std::vector<WordVector>());
    for (const WordVector& input : *inputs) {
      elements->emplace_back(f->words());
      const Integer value = from_words(input);
      f->load(elements->back().data(), std::vector<Integer>(f->lanes(), value));
    }
    auto copy = keep(WordVector(f->words()));
    auto product = keep(WordVector(f->words()));
    const auto prepare = [=](std::size_t i) { choose(*copy, *elements, i); };
    steps_.push_back({named("product mod p^2", backend), 1, prepare,
                      [=] { f->mul(product->data(), copy->data(), copy->data()); }});
    steps_.push_back(
        {named("square mod p^2", backend), 1, prepare, [=] { f->sqr(product->data(), copy->data()); }});
  }

  /// From words to elements and back, of the same number in all lanes.
  void add_conversions(const Backend& backend) {
    std::shared_ptr<const PairArithmetic> f = uniform_arithmetic(backend, key_.p().words());
    const std::size_t size = f->modulus_size();
    auto inputs = keep(std::vector<WordVector>());
    for (const WordVector& input : inputs_below(key_.p().words())) {
      inputs->emplace_back(2 * f->lanes() * size);
      for (std::size_t lane = 0; lane < f->lanes(); ++lane) {
        std::copy(input.begin(), input.end(),
                  inputs->back().begin() + static_cast<std::ptrdiff_t>(2 * lane * size));
      }
    }
    auto copy = keep((*inputs)[0]);
    auto element = keep(WordVector(f->words()));
    steps_.push_back({named("element of words", backend), 1,
                      [=](std::size_t i) { choose(*copy, *inputs, i); },
                      [=] { f->load_words(element->data(), copy->data()); }});
    steps_.push_back({named("words of an element", backend), 1,
                      [=](std::size_t i) {
                        choose(*copy, *inputs, i);
                        f->load_words(element->data(), copy->data());
                      },
                      [=] { f->store_words(copy->data(), element->data()); }});
  }

  static constexpr std::size_t kBits = 256;

  /// As the owner's noise is made: tables of a fixed base, entries chosen by secret digits.
  void add_fixed_base(const Backend& backend) {
    std::shared_ptr<const PairArithmetic> f = uniform_arithmetic(backend, key_.p().words());
    const Integer p_squared = from_words(key_.p().words()) * from_words(key_.p().words());
    WordVector base(f->words());
    f->load(base.data(), std::vector<Integer>(f->lanes(), 3));
    WordVector inverse(f->words());
    f->load(inverse.data(), std::vector<Integer>(f->lanes(), invert_vartime(3, p_squared)));
    auto table = std::make_shared<FixedBase>(*f, base.data(), inverse.data(), kBits);
    auto inputs = keep(inputs_below(all_ones(f->lanes() * kBits / 64)));
    auto exponents = keep((*inputs)[0]);
    auto powers = keep(std::vector<WordVector>(1, WordVector(f->words())));
    steps_.push_back({named("power of a fixed base", backend), 10,
                      [=](std::size_t i) { choose(*exponents, *inputs, i); },
                      [=, f = f] { table->pow(*powers, *exponents); }});
  }

  void add_powers(const Backend& backend) {
    std::shared_ptr<const PairArithmetic> f = uniform_arithmetic(backend, key_.p().words());
    auto inputs = keep(inputs_below(all_ones(f->lanes() * kBits / 64)));
    auto base = keep(WordVector(f->words()));
    f->load(base->data(), std::vector<Integer>(f->lanes(), 3));
    auto exponents = keep(WordVector((*inputs)[0].size()));
    auto power = keep(WordVector(f->words()));
    steps_.push_back(
        {named("power mod p^2, 256-bit exponent", backend), 10,
         [=](std::size_t i) { choose(*exponents, *inputs, i); },
         [=] { pow(*f, power->data(), base->data(), std::span<const Word>(*exponents), kBits); }});
  }

  void add_encryption(const Backend& backend) {
    auto encryptor = std::make_shared<Encryptor>(key_, backend);
    auto inputs = keep(plaintexts());
    auto copy = keep(Integer());
    steps_.push_back({named("encryption by the key's owner", backend), 40,
                      [=](std::size_t i) { *copy = (*inputs)[i]; }, [=] { encryptor->encrypt(*copy); }});
  }

  void add_decryption(const Backend& backend) {
    auto decryptor = std::make_shared<Decryptor>(key_, backend);
    auto inputs = keep(Encryptor(key_, backend).encrypt(plaintexts()));
    auto copy = keep(std::vector<Ciphertext>(1, (*inputs)[0]));
    steps_.push_back({named("decryption", backend), 40, [=](std::size_t i) { copy->front() = (*inputs)[i]; },
                      [=] { decryptor->decrypt(std::span<const Ciphertext>(*copy)); }});
  }

  SecretKey key_;
  std::vector<Step> steps_;
};

bool leaks_on_purpose(const Step& step) { return step.name.rfind("leak", 0) == 0; }

/// A difference that is there is there every time; another process's is not.
bool is_as_it_should_be(const Step& step, std::size_t samples) {
  for (int attempt = 1; attempt <= kAttempts; ++attempt) {
    const double t = measure(step, samples);
    std::printf("%-48s |t| = %8.2f at %zu samples%s\n", step.name.c_str(), t, samples,
                leaks_on_purpose(step) ? ", to be found" : "");
    std::fflush(stdout);
    if (leaks_on_purpose(step) ? t >= kLimit : t < kLimit) return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) try {
  std::size_t samples = 40'000;
  bool whole = false;
  std::string only;
  bool understood = argc % 2 == 1;
  for (int i = 1; understood && i + 1 < argc; i += 2) {
    if (std::strcmp(argv[i], "--samples") == 0) {
      samples = std::strtoull(argv[i + 1], nullptr, 10);
      whole = true;
    } else if (std::strcmp(argv[i], "--only") == 0) {
      only = argv[i + 1];
    } else {
      understood = false;
    }
  }
  if (!understood) {
    std::fprintf(
        stderr,
        "usage: timing_test [--samples N] [--only WORDS]\n"
        "Without --samples 40,000 of each cheap step and fewer of each costly one; with it N of every\n"
        "step, or of those with the words in their names. A step passes if |t| is below %.1f in one of %d\n"
        "attempts. Run it with OMP_NUM_THREADS=1.\n",
        kLimit, kAttempts);
    return 2;
  }
  const Steps steps;
  int failed = 0;
  std::size_t measured = 0;
  for (const Step& step : steps.all()) {
    // With the leak that must be found, whatever else is asked for.
    if (!leaks_on_purpose(step) && step.name.find(only) == std::string::npos) continue;
    measured += leaks_on_purpose(step) ? 0U : 1U;
    failed += is_as_it_should_be(step, whole ? samples : samples / step.cost) ? 0 : 1;
  }
  if (measured == 0) {
    std::fprintf(stderr, "no step has \"%s\" in its name\n", only.c_str());
    return 2;
  }
  if (failed > 0)
    std::printf("%d steps take a time that depends on secrets, or a leak was not found\n", failed);
  return failed == 0 ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "%s\n", error.what());
  return 2;
}
