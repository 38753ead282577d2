#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

namespace opaline {

/// The values that were asked for last, so that they need not be made anew. Safe from many threads.
template <typename Value>
class RecentlyUsed {
 public:
  explicit RecentlyUsed(std::size_t most) : most_(most) {}

  /// The one that matches, or what make() gives: a shared_ptr to it. Two threads may make the same, and both
  /// get the first that was done.
  template <typename Match, typename Make>
  std::shared_ptr<const Value> get(const Match& match, const Make& make) {
    if (std::shared_ptr<const Value> known = find(match)) return known;
    std::shared_ptr<const Value> fresh = make();
    const std::lock_guard lock(mutex_);
    if (std::shared_ptr<const Value> known = find_locked(match)) return known;
    values_.insert(values_.begin(), fresh);
    if (values_.size() > most_) values_.pop_back();
    return fresh;
  }

 private:
  template <typename Match>
  std::shared_ptr<const Value> find(const Match& match) {
    const std::lock_guard lock(mutex_);
    return find_locked(match);
  }

  template <typename Match>
  std::shared_ptr<const Value> find_locked(const Match& match) {
    const auto found =
        std::find_if(values_.begin(), values_.end(), [&](const auto& value) { return match(*value); });
    if (found == values_.end()) return nullptr;
    std::rotate(values_.begin(), found, found + 1);
    return values_.front();
  }

  std::size_t most_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<const Value>> values_;  ///< the last used first
};

}  // namespace opaline
