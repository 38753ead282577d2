#include "support/watched_backend.h"

#include <utility>

namespace opaline::test {
namespace {

class WatchedArithmetic final : public PairArithmetic {
 public:
  WatchedArithmetic(std::unique_ptr<const PairArithmetic> base, const WatchedBackend::Watch& watch)
      : PairArithmetic(base->lanes(), base->modulus_size(), base->words(), base->number_words()),
        base_(std::move(base)),
        watch_(watch) {}

  std::span<const Word> modulus_words(std::size_t lane) const override { return base_->modulus_words(lane); }

  void mul(Word* r, const Word* x, const Word* y) const override {
    base_->mul(r, x, y);
    watch_(Operation::mul, {r, words()});
  }
  void sqr(Word* r, const Word* x) const override {
    base_->sqr(r, x);
    watch_(Operation::sqr, {r, words()});
  }
  void mul_one_plus_km(Word* r, const Word* x, const Word* k) const override {
    base_->mul_one_plus_km(r, x, k);
    watch_(Operation::mul_one_plus_km, {r, words()});
  }
  void mul_first_half(Word* r, const Word* x, const Word* y) const override {
    base_->mul_first_half(r, x, y);
    watch_(Operation::mul_first_half, {r, words()});
  }
  void mul_halves(Word* r, const Word* x, const Word* y) const override {
    base_->mul_halves(r, x, y);
    watch_(Operation::mul_halves, {r, half_words()});
  }
  void add_halves(Word* r, const Word* x, const Word* y) const override {
    base_->add_halves(r, x, y);
    watch_(Operation::add_halves, {r, half_words()});
  }
  void select(Word* r, const Word* table, std::size_t entries,
              std::span<const std::uint32_t> index) const override {
    base_->select(r, table, entries, index);
    watch_(Operation::select, {r, words()});
  }
  void compact(Word* table, const Word* elements, std::size_t entries) const override {
    base_->compact(table, elements, entries);
    watch_(Operation::compact, {table, compact_words(entries)});
  }
  std::size_t compact_words(std::size_t entries) const override { return base_->compact_words(entries); }
  void select_compact(Word* r, const Word* table, std::size_t entries,
                      std::span<const std::uint32_t> index) const override {
    base_->select_compact(r, table, entries, index);
    watch_(Operation::select_compact, {r, index.size() / lanes() * words()});
  }
  void gather_numbers_vartime(Word* r, std::span<const Word* const> numbers) const override {
    base_->gather_numbers_vartime(r, numbers);
    watch_(Operation::gather, {r, words()});
  }
  void scatter_numbers_vartime(std::span<Word* const> numbers, const Word* x) const override {
    base_->scatter_numbers_vartime(numbers, x);
    for (Word* const number : numbers) watch_(Operation::scatter, {number, number_words()});
  }
  void load_words(Word* r, const Word* values) const override {
    base_->load_words(r, values);
    watch_(Operation::load, {r, words()});
  }
  void load_half_words(Word* r, const Word* values) const override {
    base_->load_half_words(r, values);
    watch_(Operation::load_half, {r, half_words()});
  }
  void store_words(Word* values, const Word* x) const override {
    base_->store_words(values, x);
    watch_(Operation::store, {values, 2 * lanes() * modulus_size()});
  }

 private:
  std::unique_ptr<const PairArithmetic> base_;
  const WatchedBackend::Watch& watch_;
};

}  // namespace

std::unique_ptr<const PairArithmetic> WatchedBackend::make_arithmetic(
    std::span<const std::span<const Word>> moduli) const {
  return std::make_unique<const WatchedArithmetic>(base_.pair_arithmetic(moduli), watch_);
}

}  // namespace opaline::test
