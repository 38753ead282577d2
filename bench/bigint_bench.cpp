// mul_mod_n2, sqr_mod_n2, pow_mod_n2 / bits / backend, against GMP's mpz_mul + mpz_mod and mpz_powm.
#include <benchmark/benchmark.h>
#include <gmp.h>

#include <cstddef>
#include <string>
#include <vector>

#include "opaline/bigint/backend.h"
#include "opaline/bigint/exponentiation.h"

namespace {

using namespace opaline;

constexpr std::size_t kBits[] = {1024, 2048, 3072, 4096, 8192};

Integer power_of_two(std::size_t bits) { return Integer(1) << static_cast<unsigned>(bits); }

/// A random odd modulus of exactly that many bits.
Integer random_modulus(std::size_t bits) {
  return power_of_two(bits - 1) + random_below(power_of_two(bits - 1)) / 2 * 2 + 1;
}

/// Elements of a backend with random numbers in every lane.
struct Operands {
  Operands(const Backend& backend, std::size_t bits)
      : m(random_modulus(bits)), arithmetic(uniform_arithmetic(backend, m)), x(arithmetic->words()), y(x) {
    for (WordVector* const element : {&x, &y}) {
      std::vector<Integer> values(arithmetic->lanes());
      for (Integer& value : values) value = random_below(m * m);
      arithmetic->load(element->data(), values);
    }
  }

  Integer m;
  std::unique_ptr<const PairArithmetic> arithmetic;
  WordVector x;
  WordVector y;
};

void count(benchmark::State& state, std::size_t lanes) {
  state.SetItemsProcessed(static_cast<std::int64_t>(lanes) * state.iterations());
}

void mul(benchmark::State& state, const Backend& backend, std::size_t bits) {
  Operands o(backend, bits);
  for (auto _ : state) o.arithmetic->mul(o.x.data(), o.x.data(), o.y.data());
  count(state, backend.lanes());
}

void sqr(benchmark::State& state, const Backend& backend, std::size_t bits) {
  Operands o(backend, bits);
  for (auto _ : state) o.arithmetic->sqr(o.x.data(), o.x.data());
  count(state, backend.lanes());
}

void pow(benchmark::State& state, const Backend& backend, std::size_t bits) {
  Operands o(backend, bits);
  std::vector<Integer> exponents(backend.lanes());
  for (Integer& exponent : exponents) exponent = random_below(power_of_two(bits));
  for (auto _ : state) pow(*o.arithmetic, o.y.data(), o.x.data(), exponents, bits);
  count(state, backend.lanes());
}

struct GmpOperands {
  explicit GmpOperands(std::size_t bits)
      : m(random_modulus(bits)), m_squared(m * m), x(random_below(m_squared)), y(random_below(m_squared)) {}

  Integer m;
  Integer m_squared;
  Integer x;
  Integer y;
};

void gmp_mul(benchmark::State& state, std::size_t bits) {
  GmpOperands o(bits);
  Integer r;
  for (auto _ : state) {
    mpz_mul(r.backend().data(), o.x.backend().data(), o.y.backend().data());
    mpz_mod(o.x.backend().data(), r.backend().data(), o.m_squared.backend().data());
  }
  count(state, 1);
}

void gmp_sqr(benchmark::State& state, std::size_t bits) {
  GmpOperands o(bits);
  Integer r;
  for (auto _ : state) {
    mpz_mul(r.backend().data(), o.x.backend().data(), o.x.backend().data());
    mpz_mod(o.x.backend().data(), r.backend().data(), o.m_squared.backend().data());
  }
  count(state, 1);
}

void gmp_pow(benchmark::State& state, std::size_t bits) {
  GmpOperands o(bits);
  const Integer exponent = random_below(power_of_two(bits));
  Integer r;
  for (auto _ : state) {
    mpz_powm(r.backend().data(), o.x.backend().data(), exponent.backend().data(),
             o.m_squared.backend().data());
  }
  count(state, 1);
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  for (const std::size_t bits : kBits) {
    const std::string size = "/" + std::to_string(bits) + "/";
    for (const Backend* const each : backends()) {
      if (!each->supported()) continue;
      const Backend& backend = *each;
      const std::string variant = size + std::string(backend.name());
      const auto add = [&](const char* operation, auto function) {
        benchmark::RegisterBenchmark(
            (operation + variant).c_str(),
            [&backend, bits, function](benchmark::State& s) { function(s, backend, bits); });
      };
      add("mul_mod_n2", mul);
      add("sqr_mod_n2", sqr);
      add("pow_mod_n2", static_cast<void (*)(benchmark::State&, const Backend&, std::size_t)>(pow));
    }
    const auto add = [&](const char* operation, auto function) {
      benchmark::RegisterBenchmark((operation + size + "gmp").c_str(),
                                   [bits, function](benchmark::State& s) { function(s, bits); });
    };
    add("mul_mod_n2", gmp_mul);
    add("sqr_mod_n2", gmp_sqr);
    add("pow_mod_n2", gmp_pow);
  }
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
