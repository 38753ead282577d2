#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

#include "opaline/bigint/integer.h"

namespace opaline {

/// Ready noise: n-th residues mod n² that were made ahead of their use. Each is handed out once. They lie in
/// memory that is left out of core dumps and that a forked process finds empty, so that no two processes
/// ever use the same one; nothing is ever written to disk. Safe from many threads.
class NoisePool {
 public:
  /// Makes fresh noise, as much at a time as it likes.
  using Source = std::function<std::vector<Integer>()>;

  /// Keeps up to `capacity` numbers below 2^bits. With Filling::in_background a thread of its own
  /// makes them whenever there is room; otherwise the pool holds what was made beyond what was asked for.
  enum class Filling { by_leftovers, in_background };
  NoisePool(Source source, std::size_t bits, std::size_t capacity, Filling filling = Filling::by_leftovers);
  NoisePool(NoisePool&&) = delete;
  NoisePool& operator=(NoisePool&&) = delete;
  ~NoisePool();

  std::size_t capacity() const;
  std::size_t ready() const;

  /// Up to `most` ready ones, in the order they were put in.
  std::vector<Integer> take_ready(std::size_t most);

  /// `count` of them, the missing ones made at once.
  std::vector<Integer> take(std::size_t count);

  /// For noise that was made and not used. What finds no room is wiped.
  void put(std::vector<Integer> fresh);

 private:
  class Store;
  class Filler;
  Source source_;
  std::unique_ptr<Store> store_;
  std::unique_ptr<Filler> filler_;
};

}  // namespace opaline
