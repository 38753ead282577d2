#pragma once

#include <cstddef>
#include <memory>
#include <span>
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
  /// `arithmetic` must outlive the noise.
  ReplyNoise(const PublicKey& key, const LaneWidths& arithmetic);
  ReplyNoise(ReplyNoise&&) noexcept;
  ReplyNoise& operator=(ReplyNoise&&) noexcept;
  ~ReplyNoise();

  class Order;
  Order order(std::size_t count);

  /// Works for a fraction of a millisecond on noise for later and says so; false if there is no room for
  /// more. For threads with nothing else to do.
  bool work_ahead();

 private:
  struct Store;
  class Unfinished;

  std::unique_ptr<Store> store_;
};

/// Noise for some replies, under one key or under several: what is ready, then what was begun, and the rest
/// in groups of lanes that can be made side by side with other work. Keys of one length share the lanes that
/// none of them can fill alone; what lanes are left over makes noise for the pools of these keys.
class ReplyNoise::Order {
 public:
  /// `count` numbers for each of different `noise`, which must outlive the order.
  struct Part {
    ReplyNoise* noise;
    std::size_t count;
  };
  explicit Order(std::span<const Part> parts);
  Order(Order&&) noexcept;
  Order& operator=(Order&&) noexcept;
  ~Order();

  /// make() once for each, on any threads; then take(): the numbers of every part.
  std::size_t groups() const;
  void make(std::size_t group);
  std::vector<std::vector<Integer>> take();

 private:
  struct Group;

  void begin_together(std::span<const std::size_t> parts);
  void add_group(std::vector<std::size_t> owners, LaneWidth width);
  std::size_t missing(std::size_t part) const { return parts_[part].count - promised_[part]; }

  std::vector<Part> parts_;
  std::vector<std::vector<Integer>> ready_;  ///< of every part
  std::vector<std::size_t> promised_;        ///< to every part: ready, or of a group's lanes
  std::vector<Group> groups_;
};

}  // namespace opaline
