#include "opaline/service/connections.h"

#include <sys/socket.h>

#include <algorithm>
#include <system_error>
#include <utility>

namespace opaline {
namespace {

/// How long a newcomer waits for an idle connection that was told to end.
constexpr std::chrono::milliseconds kRoom{250};

}  // namespace

// With the lock held. A socket that is shut down wakes the thread that waits for it.
void Connections::end_longest_idle() {
  auto longest = entries_.end();
  for (auto i = entries_.begin(); i != entries_.end(); ++i) {
    if (i->second.socket < 0 || !i->second.idle) continue;
    if (longest == entries_.end() || i->second.since < longest->second.since) longest = i;
  }
  if (longest == entries_.end()) return;
  ::shutdown(longest->second.socket, SHUT_RDWR);
  longest->second.socket = -1;
}

void Connections::join_finished() {
  std::vector<std::thread> finished;
  {
    const std::lock_guard lock(mutex_);
    finished.swap(finished_);
  }
  for (std::thread& thread : finished) thread.join();
}

bool Connections::start(int socket, std::function<void(Place&)> work) {
  join_finished();
  std::unique_lock lock(mutex_);
  if (entries_.size() >= most_) {
    end_longest_idle();
    changed_.wait_for(lock, kRoom, [&] { return entries_.size() < most_ || stopping_; });
  }
  if (stopping_ || entries_.size() >= most_) return false;
  const std::uint64_t id = next_++;
  Entry& entry = entries_[id];
  entry.socket = socket;
  entry.since = std::chrono::steady_clock::now();
  try {
    entry.thread = std::thread([this, id, work = std::move(work)] {
      Place place(*this, id);
      work(place);
      const std::lock_guard done(mutex_);
      const auto own = entries_.find(id);
      finished_.push_back(std::move(own->second.thread));
      entries_.erase(own);
      changed_.notify_all();
    });
  } catch (const std::system_error&) {  // no more threads
    entries_.erase(id);
    return false;
  }
  return true;
}

std::size_t Connections::count() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

bool Connections::stopping() const {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void Connections::stop(std::chrono::milliseconds patience) {
  {
    std::unique_lock lock(mutex_);
    stopping_ = true;
    for (auto& [id, entry] : entries_) {
      if (entry.idle && entry.socket >= 0) ::shutdown(entry.socket, SHUT_RDWR);
    }
    changed_.wait_for(lock, patience, [&] { return entries_.empty(); });
    for (auto& [id, entry] : entries_) {
      if (entry.socket >= 0) ::shutdown(entry.socket, SHUT_RDWR);
    }
    changed_.wait(lock, [&] { return entries_.empty(); });
  }
  join_finished();
}

bool Connections::Place::rest() {
  const std::lock_guard lock(all_.mutex_);
  Entry& entry = all_.entries_.at(id_);
  if (!entry.idle) entry.since = std::chrono::steady_clock::now();
  entry.idle = true;
  return !all_.stopping_ && entry.socket >= 0;
}

void Connections::Place::work() {
  const std::lock_guard lock(all_.mutex_);
  all_.entries_.at(id_).idle = false;
}

void Connections::Place::leave() {
  const std::lock_guard lock(all_.mutex_);
  all_.entries_.at(id_).socket = -1;
}

}  // namespace opaline
