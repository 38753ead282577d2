#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "opaline/bigint/integer.h"
#include "opaline/paillier/keys.h"
#include "opaline/paillier/lane_widths.h"

namespace opaline {

/// Noise for what a server sends: r^n mod n², r uniform in Z*_n from this machine's own generator, each used
/// once. What is made beyond what was asked for is kept for the next reply (NoisePool), and so is a power
/// that was begun and not finished; a forked process finds neither. Safe from many threads.
class ReplyNoise {
 public:
  ReplyNoise(const PublicKey& key, const LaneWidths& arithmetic);
  ReplyNoise(ReplyNoise&&) noexcept;
  ReplyNoise& operator=(ReplyNoise&&) noexcept;
  ~ReplyNoise();

  /// Noise for some replies: what is ready, and the rest in groups of lanes that can be made side by side
  /// with other work, each once. take() after that.
  class Order {
   public:
    std::size_t groups() const { return made_.size(); }
    void make(std::size_t group);
    std::vector<Integer> take();

   private:
    friend class ReplyNoise;
    Order(ReplyNoise& noise, std::size_t count);

    ReplyNoise& noise_;
    std::size_t count_;
    const PairArithmetic* arithmetic_;
    std::vector<Integer> ready_;
    std::vector<std::vector<Integer>> made_;
  };
  Order order(std::size_t count) { return {*this, count}; }

  /// Works for a fraction of a millisecond on noise for later, as long as there is room for it: for threads
  /// with nothing else to do.
  void work_ahead();

 private:
  struct Store;
  class Unfinished;

  std::vector<Integer> finish_one(const PairArithmetic& arithmetic);

  std::unique_ptr<Store> store_;
};

}  // namespace opaline
