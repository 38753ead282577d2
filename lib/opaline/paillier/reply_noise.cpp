#include "opaline/paillier/reply_noise.h"

#include <unistd.h>

#include <algorithm>
#include <iterator>
#include <mutex>
#include <utility>

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

/// A group of lanes on their way to r^n. It belongs to the process that began it: in a forked one its end
/// would be the same noise twice.
class ReplyNoise::Unfinished {
 public:
  explicit Unfinished(const PairArithmetic& arithmetic)
      : process_(::getpid()),
        arithmetic_(arithmetic),
        power_(arithmetic, fresh_bases(arithmetic).data(), arithmetic.modulus(0)) {}

  bool is_ours() const { return process_ == ::getpid(); }
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

  pid_t process_;
  const PairArithmetic& arithmetic_;
  SlidingPower power_;
};

struct ReplyNoise::Store {
  Store(const PublicKey& key, const LaneWidths& arithmetic)
      : wide(arithmetic.wide()),
        narrow(arithmetic.narrow()),
        pool([f = &wide] { return fresh_public_noise(*f); }, 2 * key.bits(), kReadyElements * wide.lanes()) {}

  /// One that was begun here, or nothing.
  std::unique_ptr<Unfinished> take_unfinished() {
    const std::lock_guard lock(mutex);
    unfinished.erase(
        std::remove_if(unfinished.begin(), unfinished.end(), [](const auto& one) { return !one->is_ours(); }),
        unfinished.end());
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
    return pool.ready() + (unfinished.size() + 1) * narrow.lanes() <= pool.capacity();
  }

  const PairArithmetic& wide;
  const PairArithmetic& narrow;
  NoisePool pool;
  std::mutex mutex;
  std::vector<std::unique_ptr<Unfinished>> unfinished;  ///< all of them narrow
};

ReplyNoise::ReplyNoise(const PublicKey& key, const LaneWidths& arithmetic)
    : store_(std::make_unique<Store>(key, arithmetic)) {}
ReplyNoise::ReplyNoise(ReplyNoise&&) noexcept = default;
ReplyNoise& ReplyNoise::operator=(ReplyNoise&&) noexcept = default;
ReplyNoise::~ReplyNoise() = default;

ReplyNoise::Order::Order(ReplyNoise& noise, std::size_t count)
    : noise_(noise),
      count_(count),
      arithmetic_(&noise.store_->wide),
      ready_(noise.store_->pool.take_ready(count)) {
  const std::size_t missing = count - ready_.size();
  if (missing == 0) return;
  const PairArithmetic& narrow = noise.store_->narrow;
  if (narrow_is_sooner(missing, arithmetic_->lanes(), narrow.lanes())) arithmetic_ = &narrow;
  made_.resize(groups_of(missing, arithmetic_->lanes()));
}

void ReplyNoise::Order::make(std::size_t group) { made_[group] = noise_.finish_one(*arithmetic_); }

std::vector<Integer> ReplyNoise::Order::take() {
  for (std::vector<Integer>& group : made_) {
    for (Integer& number : group) ready_.push_back(std::move(number));
  }
  const auto end = ready_.begin() + static_cast<std::ptrdiff_t>(count_);
  noise_.store_->pool.put({std::make_move_iterator(end), std::make_move_iterator(ready_.end())});
  ready_.erase(end, ready_.end());
  return std::move(ready_);
}

std::vector<Integer> ReplyNoise::finish_one(const PairArithmetic& arithmetic) {
  if (&arithmetic == &store_->narrow) {
    if (const std::unique_ptr<Unfinished> begun = store_->take_unfinished()) return begun->finish();
  }
  return fresh_public_noise(arithmetic);
}

void ReplyNoise::work_ahead() {
  std::unique_ptr<Unfinished> one = store_->take_unfinished();
  if (!one && !store_->has_room()) return;
  if (!one) one = std::make_unique<Unfinished>(store_->narrow);
  if (one->advance(kSlice)) {
    store_->pool.put(one->finish());
  } else {
    store_->put_back(std::move(one));
  }
}

}  // namespace opaline
