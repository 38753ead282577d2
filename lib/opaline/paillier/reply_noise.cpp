#include "opaline/paillier/reply_noise.h"

#include <algorithm>
#include <iterator>
#include <mutex>
#include <numeric>
#include <utility>

#include "opaline/base/fork_mark.h"
#include "opaline/bigint/exponentiation.h"
#include "opaline/paillier/noise.h"
#include "opaline/paillier/noise_pool.h"

namespace opaline {
namespace {

/// Products in one go of work_ahead.
constexpr std::size_t kSlice = 64;

/// Numbers kept ready, in elements of the widest lanes.
constexpr std::size_t kReadyElements = 2;

}  // namespace

/// A group of lanes on their way to r^n.
class ReplyNoise::Unfinished {
 public:
  explicit Unfinished(const PairArithmetic& arithmetic)
      : arithmetic_(arithmetic), power_(arithmetic, fresh_bases(arithmetic).data(), arithmetic.modulus(0)) {}

  bool advance(std::size_t products) { return power_.advance(products); }
  std::vector<Integer> finish() {
    while (!power_.advance(kSlice)) {
    }
    return arithmetic_.store(power_.result());
  }

 private:
  static WordVector fresh_bases(const PairArithmetic& arithmetic) {
    WordVector bases(arithmetic.words());
    load_random_units(arithmetic, bases.data(), arithmetic.lanes());
    return bases;
  }

  const PairArithmetic& arithmetic_;
  SlidingPower power_;
};

struct ReplyNoise::Store {
  Store(const PublicKey& key, const LaneWidths& lanes)
      : arithmetic(lanes),
        pool([f = &lanes.wide()] { return fresh_public_noise(*f); }, 2 * key.bits(),
             kReadyElements * lanes.wide().lanes()) {}

  /// One that was begun, or nothing. In a forked process the end of one would be the same noise twice.
  std::unique_ptr<Unfinished> take_unfinished() {
    const std::lock_guard lock(mutex);
    if (!mark.is_set()) unfinished.clear();
    mark.set();
    if (unfinished.empty()) return nullptr;
    std::unique_ptr<Unfinished> one = std::move(unfinished.front());
    unfinished.erase(unfinished.begin());
    return one;
  }

  /// Those begun first are finished first.
  void put_back(std::unique_ptr<Unfinished> one) {
    const std::lock_guard lock(mutex);
    unfinished.insert(unfinished.begin(), std::move(one));
  }

  bool has_room() {
    const std::lock_guard lock(mutex);
    return pool.ready() + (unfinished.size() + 1) * arithmetic.narrow().lanes() <= pool.capacity();
  }

  const LaneWidths& arithmetic;
  NoisePool pool;
  std::mutex mutex;
  ForkMark mark;                                        ///< of the process that began them
  std::vector<std::unique_ptr<Unfinished>> unfinished;  ///< all of them narrow
};

ReplyNoise::ReplyNoise(const PublicKey& key, const LaneWidths& arithmetic)
    : store_(std::make_unique<Store>(key, arithmetic)) {}
ReplyNoise::ReplyNoise(ReplyNoise&&) noexcept = default;
ReplyNoise& ReplyNoise::operator=(ReplyNoise&&) noexcept = default;
ReplyNoise::~ReplyNoise() = default;

/// Lanes that are made together, each for a part of the order.
struct ReplyNoise::Order::Group {
  std::vector<std::size_t> owners;  ///< one a lane
  LaneWidth width;
  std::unique_ptr<Unfinished> begun;  ///< or nothing
  std::vector<Integer> made;
};

ReplyNoise::Order::Order(std::span<const Part> parts)
    : parts_(parts.begin(), parts.end()), ready_(parts.size()), promised_(parts.size()) {
  for (std::size_t part = 0; part < parts_.size(); ++part) {
    Store& store = *parts_[part].noise->store_;
    ready_[part] = store.pool.take_ready(parts_[part].count);
    promised_[part] = ready_[part].size();
    while (missing(part) > 0) {
      std::unique_ptr<Unfinished> begun = store.take_unfinished();
      if (!begun) break;
      add_group(std::vector(store.arithmetic.narrow().lanes(), part), LaneWidth::narrow);
      groups_.back().begun = std::move(begun);
    }
  }

  std::vector<std::size_t> left(parts_.size());
  std::iota(left.begin(), left.end(), std::size_t{0});
  std::erase_if(left, [&](std::size_t part) { return missing(part) == 0; });
  const auto arithmetic = [&](std::size_t part) -> const LaneWidths& {
    return parts_[part].noise->store_->arithmetic;
  };
  while (!left.empty()) {
    const auto others = std::stable_partition(left.begin(), left.end(), [&](std::size_t part) {
      return arithmetic(part).goes_with(arithmetic(left.front()));
    });
    begin_together({left.begin(), others});
    left.erase(left.begin(), others);
  }
}

ReplyNoise::Order::Order(Order&&) noexcept = default;
ReplyNoise::Order& ReplyNoise::Order::operator=(Order&&) noexcept = default;
ReplyNoise::Order::~Order() = default;

void ReplyNoise::Order::add_group(std::vector<std::size_t> owners, LaneWidth width) {
  for (const std::size_t part : owners) promised_[part] = std::min(promised_[part] + 1, parts_[part].count);
  groups_.push_back({std::move(owners), width, nullptr, {}});
}

// For parts whose keys go with each other.
void ReplyNoise::Order::begin_together(std::span<const std::size_t> parts) {
  const LaneWidths& arithmetic = parts_[parts.front()].noise->store_->arithmetic;
  std::size_t numbers = 0;
  for (const std::size_t part : parts) numbers += missing(part);
  const LaneWidth width = arithmetic.for_numbers(numbers);
  const std::size_t lanes = arithmetic.of(width).lanes();

  std::vector<std::size_t> shared;  // the parts of the numbers that fill no group alone
  for (const std::size_t part : parts) {
    while (missing(part) >= lanes) add_group(std::vector(lanes, part), width);
    shared.insert(shared.end(), missing(part), part);
  }
  for (std::size_t first = 0; first < shared.size(); first += lanes) {
    const std::size_t count = std::min(lanes, shared.size() - first);
    std::vector<std::size_t> owners;
    for (std::size_t lane = 0; lane < lanes; ++lane) owners.push_back(shared[first + lane % count]);
    add_group(std::move(owners), width);
  }
}

std::size_t ReplyNoise::Order::groups() const { return groups_.size(); }

void ReplyNoise::Order::make(std::size_t group) {
  Group& g = groups_[group];
  if (g.begun) {
    g.made = g.begun->finish();
    return;
  }
  std::vector<const LaneWidths*> lanes;
  for (const std::size_t part : g.owners) lanes.push_back(&parts_[part].noise->store_->arithmetic);
  const MixedLanes arithmetic(lanes, g.width);
  g.made = arithmetic.is_mixed() ? fresh_mixed_noise(*arithmetic) : fresh_public_noise(*arithmetic);
}

std::vector<std::vector<Integer>> ReplyNoise::Order::take() {
  for (Group& group : groups_) {
    for (std::size_t lane = 0; lane < group.made.size(); ++lane) {
      ready_[group.owners[lane]].push_back(std::move(group.made[lane]));
    }
  }
  for (std::size_t part = 0; part < parts_.size(); ++part) {
    std::vector<Integer>& numbers = ready_[part];
    const auto end = numbers.begin() + static_cast<std::ptrdiff_t>(parts_[part].count);
    parts_[part].noise->store_->pool.put(
        {std::make_move_iterator(end), std::make_move_iterator(numbers.end())});
    numbers.erase(end, numbers.end());
  }
  return std::move(ready_);
}

ReplyNoise::Order ReplyNoise::order(std::size_t count) {
  const Order::Part part{this, count};
  return Order({&part, 1});
}

bool ReplyNoise::work_ahead() {
  std::unique_ptr<Unfinished> one = store_->take_unfinished();
  if (!one && !store_->has_room()) return false;
  if (!one) one = std::make_unique<Unfinished>(store_->arithmetic.narrow());
  if (one->advance(kSlice)) {
    store_->pool.put(one->finish());
  } else {
    store_->put_back(std::move(one));
  }
  return true;
}

}  // namespace opaline
