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

  /// The one that matches, or what make() gives: a shared_ptr to it. Two threads may make the same.
  template <typename Match, typename Make>
  std::shared_ptr<const Value> get(const Match& match, const Make& make) {
    {
      const std::lock_guard lock(mutex_);
      const auto found =
          std::find_if(values_.begin(), values_.end(), [&](const auto& value) { return match(*value); });
      if (found != values_.end()) {
        std::rotate(values_.begin(), found, found + 1);
        return values_.front();
      }
    }
    std::shared_ptr<const Value> fresh = make();
    const std::lock_guard lock(mutex_);
    values_.insert(values_.begin(), fresh);
    if (values_.size() > most_) values_.pop_back();
    return fresh;
  }

 private:
  std::size_t most_;
  std::mutex mutex_;
  std::vector<std::shared_ptr<const Value>> values_;  ///< the last used first
};

}  // namespace opaline
