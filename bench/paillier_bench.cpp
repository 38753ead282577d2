// encrypt, decrypt, add, scale8, rerandomise / bits / variant on one thread, against textbook Paillier on
// GMP.
#include <benchmark/benchmark.h>
#include <omp.h>

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "gmp_paillier.h"
#include "opaline/paillier/decryptor.h"
#include "opaline/paillier/encryptor.h"
#include "opaline/paillier/evaluator.h"

namespace {

using namespace opaline;

/// Enough to fill every lane several times over.
constexpr std::size_t kBatch = 64;
constexpr std::int64_t kScalar = 113;

/// A key of that size, made when first asked for, and what is done with it.
struct Workbench {
  explicit Workbench(std::size_t bits)
      : key(SecretKey::generate(bits)),
        owner(key),
        holder(key.public_key()),
        djn_holder(key.public_key(), default_backend(), {PublicNoiseKind::djn, 0}),
        decryptor(key),
        evaluator(key.public_key()),
        gmp(key),
        plaintexts(kBatch),
        loaded(evaluator.load({})),
        sums(loaded) {
    for (Integer& plaintext : plaintexts) plaintext = random_below(Integer(1) << 40);
    ciphertexts = owner.encrypt(plaintexts);
    evaluated.assign(ciphertexts.begin(), ciphertexts.end());
    loaded = evaluator.load(ciphertexts);
    sums = loaded;
  }

  static Workbench& of(std::size_t bits) {
    static std::map<std::size_t, Workbench> made;
    return made.try_emplace(bits, bits).first->second;
  }

  SecretKey key;
  Encryptor owner;
  Encryptor holder;
  Encryptor djn_holder;
  Decryptor decryptor;
  Evaluator evaluator;
  bench::GmpPaillier gmp;
  std::vector<Integer> plaintexts;
  std::vector<Ciphertext> ciphertexts;
  std::vector<EvaluatedCiphertext> evaluated;
  CiphertextVector loaded;
  CiphertextVector sums;
};

/// One benchmark: `step` does `items` operations.
template <typename Step>
void add(const std::string& name, std::size_t bits, std::size_t items, const Step& step) {
  benchmark::RegisterBenchmark(name.c_str(), [bits, items, step](benchmark::State& state) {
    Workbench& w = Workbench::of(bits);
    for (auto _ : state) benchmark::DoNotOptimize(step(w));
    state.SetItemsProcessed(static_cast<std::int64_t>(items) * state.iterations());
  });
}

void add_all(std::size_t bits) {
  const std::string size = "/" + std::to_string(bits);
  add("encrypt" + size + "/secret_key", bits, kBatch,
      [](const Workbench& w) { return w.owner.encrypt(w.plaintexts); });
  add("encrypt" + size + "/public_key", bits, kBatch,
      [](const Workbench& w) { return w.holder.encrypt(w.plaintexts); });
  add("encrypt" + size + "/public_key_djn", bits, kBatch,
      [](const Workbench& w) { return w.djn_holder.encrypt(w.plaintexts); });
  add("encrypt" + size + "/gmp", bits, 1, [](const Workbench& w) { return w.gmp.encrypt(w.plaintexts[0]); });
  add("decrypt" + size + "/batch", bits, kBatch,
      [](const Workbench& w) { return w.decryptor.decrypt(w.ciphertexts); });
  add("decrypt" + size + "/single", bits, 1,
      [](const Workbench& w) { return w.decryptor.decrypt(w.evaluated[0]); });
  add("decrypt" + size + "/gmp", bits, 1,
      [](const Workbench& w) { return w.gmp.decrypt(w.ciphertexts[0].value()); });
  add("add" + size + "/batch", bits, kBatch, [](Workbench& w) {
    w.evaluator.add_to(w.sums, w.loaded);
    return w.sums.size();
  });
  add("add" + size + "/single", bits, 1,
      [](const Workbench& w) { return w.evaluator.add(w.evaluated[0], w.evaluated[1]); });
  add("add" + size + "/gmp", bits, 1,
      [](const Workbench& w) { return w.gmp.add(w.ciphertexts[0].value(), w.ciphertexts[1].value()); });
  add("scale8" + size + "/batch", bits, kBatch, [](Workbench& w) {
    w.evaluator.multiply_by_vartime(w.sums, kScalar);
    return w.sums.size();
  });
  add("scale8" + size + "/negative_batch", bits, kBatch, [](Workbench& w) {
    w.evaluator.multiply_by_vartime(w.sums, -kScalar);
    return w.sums.size();
  });
  add("scale8" + size + "/single", bits, 1,
      [](const Workbench& w) { return w.evaluator.multiply_vartime(w.evaluated[0], kScalar); });
  add("scale8" + size + "/gmp", bits, 1,
      [](const Workbench& w) { return w.gmp.scale(w.ciphertexts[0].value(), kScalar); });
  add("rerandomise" + size + "/batch", bits, kBatch,
      [](const Workbench& w) { return w.evaluator.rerandomise(w.evaluated); });
}

}  // namespace

int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  omp_set_num_threads(1);
  for (const std::size_t bits : {std::size_t{2048}, std::size_t{3072}}) add_all(bits);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
