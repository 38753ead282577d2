#include "opaline/paillier/noise_pool.h"

#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <exception>
#include <iterator>
#include <span>
#include <thread>
#include <utility>

#include "opaline/base/error.h"
#include "opaline/base/fork_mark.h"
#include "opaline/base/secret.h"

namespace opaline {

/// A ring of numbers in memory that the kernel clears in a forked process (madvise(2), MADV_WIPEONFORK), the
/// lock and the counters with it: all zero they are an open lock and an empty ring.
class NoisePool::Store {
 public:
  Store(std::size_t bits, std::size_t capacity)
      : words_((bits + 63) / 64), capacity_(capacity), size_(sizeof(State) + 8 * words_ * capacity) {
    memory_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory_ == MAP_FAILED) throw Error(ErrorKind::io, "no memory for a pool of noise");
    if (::madvise(memory_, size_, MADV_WIPEONFORK) != 0 || ::madvise(memory_, size_, MADV_DONTDUMP) != 0) {
      ::munmap(memory_, size_);
      throw Error(ErrorKind::io,
                  "this kernel cannot keep a pool of noise from forked processes (Linux 4.14)");
    }
  }
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store() {
    wipe(memory_, size_);
    ::munmap(memory_, size_);
  }

  std::size_t capacity() const { return capacity_; }

  std::size_t ready() const {
    const Lock lock(state());
    return state().count;
  }

  std::vector<Integer> take(std::size_t most) {
    const Lock lock(state());
    std::vector<Integer> taken;
    for (; taken.size() < most && state().count > 0; --state().count) {
      const std::span<std::uint64_t> place = slot(state().first);
      taken.push_back(from_words(place));
      wipe(place.data(), place.size_bytes());
      state().first = (state().first + 1) % capacity_;
    }
    ::pthread_cond_signal(&state().room);
    return taken;
  }

  void put(std::vector<Integer> fresh) {
    const Lock lock(state());
    for (Integer& number : fresh) {
      if (state().count < capacity_) {
        to_words(number, slot((state().first + state().count) % capacity_));
        ++state().count;
      }
      wipe(number);
    }
  }

  /// Waits until there is room or stop() was called; whether there is room.
  bool wait_for_room() {
    const Lock lock(state());
    while (!state().stopped && state().count >= capacity_) {
      ::pthread_cond_wait(&state().room, &state().mutex);
    }
    return !state().stopped;
  }

  void stop() {
    const Lock lock(state());
    state().stopped = true;
    ::pthread_cond_signal(&state().room);
  }

 private:
  struct State {
    pthread_mutex_t mutex;
    pthread_cond_t room;
    std::size_t first;
    std::size_t count;
    bool stopped;
  };

  class Lock {
   public:
    explicit Lock(State& state) : mutex_(&state.mutex) { ::pthread_mutex_lock(mutex_); }
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;
    ~Lock() { ::pthread_mutex_unlock(mutex_); }

   private:
    pthread_mutex_t* mutex_;
  };

  State& state() const { return *static_cast<State*>(memory_); }
  std::span<std::uint64_t> slot(std::size_t i) const {
    return {reinterpret_cast<std::uint64_t*>(static_cast<State*>(memory_) + 1) + i * words_, words_};
  }

  std::size_t words_;
  std::size_t capacity_;
  std::size_t size_;
  void* memory_ = nullptr;
};

/// The thread that keeps the store full. A forked process has no such thread and does without.
class NoisePool::Filler {
 public:
  Filler(Store& store, const Source& source)
      : store_(store), thread_([&store, &source] {
          try {
            while (store.wait_for_room()) store.put(source());
          } catch (const std::exception&) {
            // Whoever takes noise makes it, and is told what is wrong.
          }
        }) {}
  Filler(const Filler&) = delete;
  Filler& operator=(const Filler&) = delete;
  ~Filler() {
    if (!mark_.is_set()) {
      thread_.detach();
      return;
    }
    store_.stop();
    thread_.join();
  }

 private:
  Store& store_;
  ForkMark mark_;
  std::thread thread_;
};

NoisePool::NoisePool(Source source, std::size_t bits, std::size_t capacity, Filling filling)
    : source_(std::move(source)), store_(std::make_unique<Store>(bits, capacity)) {
  if (filling == Filling::in_background) filler_ = std::make_unique<Filler>(*store_, source_);
}
NoisePool::~NoisePool() = default;

std::size_t NoisePool::capacity() const { return store_->capacity(); }
std::size_t NoisePool::ready() const { return store_->ready(); }

std::vector<Integer> NoisePool::take_ready(std::size_t most) { return store_->take(most); }

std::vector<Integer> NoisePool::take(std::size_t count) {
  std::vector<Integer> noise = take_ready(count);
  while (noise.size() < count) {
    std::vector<Integer> fresh = source_();
    const std::size_t used = std::min(fresh.size(), count - noise.size());
    const auto middle = fresh.begin() + static_cast<std::ptrdiff_t>(used);
    std::move(fresh.begin(), middle, std::back_inserter(noise));
    put({std::make_move_iterator(middle), std::make_move_iterator(fresh.end())});
  }
  return noise;
}

void NoisePool::put(std::vector<Integer> fresh) { store_->put(std::move(fresh)); }

}  // namespace opaline
