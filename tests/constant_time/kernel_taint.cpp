// The AVX-512 kernels in the memory sanitizer, which is told that moduli, operands and indices are undefined:
// it reports every branch and every address that depends on them, as memcheck does for the portable backend.
// Compiled by kernel_taint.sh with clang, together with the kernels and nothing else.
#include <sanitizer/msan_interface.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "opaline/bigint/kernels/ifma_kernels.h"

namespace {

using namespace opaline::ifma;
using Word = std::uint64_t;

struct Free {
  void operator()(Word* words) const { std::free(words); }
};

/// Words aligned for vectors: below 2^52, the lowest bit set.
class Words {
 public:
  explicit Words(std::size_t count)
      : count_(count), words_(static_cast<Word*>(std::aligned_alloc(64, (8 * count + 63) / 64 * 64))) {
    for (std::size_t i = 0; i < count; ++i) get()[i] = (0x9e3779b97f4a7c15 * (i + 1)) >> 13 | 1;
  }

  Words& secret() {
    __msan_poison(words_.get(), 8 * count_);
    return *this;
  }
  Word* get() { return words_.get(); }
  std::size_t count() const { return count_; }

 private:
  std::size_t count_;
  std::unique_ptr<Word, Free> words_;
};

int failures = 0;

/// That the sanitizer has not lost sight of the secrets on the way; the words are known from then on.
void expect_secret(Words& words, std::size_t count, const char* what) {
  for (std::size_t i = 0; i < count; ++i) {
    if (__msan_test_shadow(words.get() + i, 8) == -1) {
      std::printf("%s: a word does not depend on the secrets any more\n", what);
      ++failures;
      break;
    }
  }
  __msan_unpoison(words.get(), 8 * words.count());
}

template <std::size_t Lanes>
void check_products(std::size_t limbs) {
  using K = Kernels<Lanes>;
  const std::size_t half = Lanes * limbs;
  Words m(half);
  Words four_m(half);
  Words sums(Lanes * K::sum_vectors(limbs));
  Words minus_inverse(Lanes);
  m.secret();
  four_m.secret();
  minus_inverse.secret();
  K::make_sums(sums.get(), m.get(), limbs);
  const Moduli moduli{limbs, m.get(), four_m.get(), sums.get(), minus_inverse.get()};
  Words x(2 * half);
  Words y(2 * half);
  Words r(2 * half);
  const auto secret = [&] {
    x.secret();
    y.secret();
  };
  secret();
  K::mul(moduli, r.get(), x.get(), y.get());
  expect_secret(r, 2 * half, "mul");
  K::sqr(moduli, r.get(), x.get());
  expect_secret(r, 2 * half, "sqr");
  K::mul_first_half(moduli, r.get(), x.get(), y.get());
  expect_secret(r, 2 * half, "mul_first_half");
  K::mul_one_plus_km(moduli, r.get(), x.get(), y.get());
  expect_secret(r, 2 * half, "mul_one_plus_km");
  K::mul_halves(moduli, r.get(), x.get(), y.get());
  expect_secret(r, half, "mul_halves");
  K::add_halves(moduli, r.get(), x.get(), y.get());
  expect_secret(r, half, "add_halves");
}

template <std::size_t Lanes>
void check_selection(std::size_t limbs) {
  using K = Kernels<Lanes>;
  const std::size_t vectors = 2 * limbs;
  for (const std::size_t entries : {std::size_t{16}, std::size_t{128}}) {
    for (const std::size_t elements : {std::size_t{1}, std::size_t{3}, kMostSelected}) {
      Words table(entries * Lanes * vectors);
      Words packed(entries * vectors);
      Words r(elements * Lanes * vectors);
      std::uint32_t index[Lanes * kMostSelected];
      for (std::size_t i = 0; i < Lanes * kMostSelected; ++i)
        index[i] = static_cast<std::uint32_t>(i * 7 % entries);
      __msan_poison(index, sizeof(index));
      K::select(r.get(), table.get(), vectors, entries, index);
      expect_secret(r, Lanes * vectors, "select");
      K::compact(packed.get(), table.get(), vectors, entries);
      K::select_compact(r.get(), packed.get(), vectors, entries, index, elements);
      expect_secret(r, elements * Lanes * vectors, "select_compact");
      table.secret();
      K::compact(packed.get(), table.get(), vectors, entries);
      expect_secret(packed, entries * vectors, "compact");
    }
  }
}

/// What must be reported.
int leak() {
  Words secret(1);
  secret.secret();
  return secret.get()[0] == 1 ? 3 : 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "leak") == 0) return leak();
  for (const std::size_t limbs : {5U, 10U, 20U, 30U, 40U, 60U, 80U}) {
    check_products<8>(limbs);
    check_products<4>(limbs);
    check_selection<8>(limbs);
    check_selection<4>(limbs);
  }
  return failures == 0 ? 0 : 1;
}
