#include "opaline/base/secret_heap.h"

#include <pthread.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <mutex>
#include <new>

#include "opaline/base/sanitizers.h"

namespace opaline {
namespace {

constexpr std::size_t kAlignment = 64;

#ifdef OPALINE_ADDRESS_SANITIZER

void* allocate(std::size_t bytes) { return ::operator new (bytes, std::align_val_t{kAlignment}); }
void give_back(void* memory, std::size_t /*bytes*/) noexcept {
  ::operator delete (memory, std::align_val_t{kAlignment});
}

#else

constexpr std::size_t kLargestKept = std::size_t{4} << 20;
constexpr std::size_t kChunk = std::size_t{256} << 10;
constexpr std::size_t kPage = 4096;

std::size_t rounded_up(std::size_t bytes, std::size_t unit) { return (bytes + unit - 1) / unit * unit; }

void* map_pages(std::size_t bytes) {
  void* const memory =
      ::mmap(nullptr, rounded_up(bytes, kPage), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  if (::madvise(memory, rounded_up(bytes, kPage), MADV_DONTDUMP) != 0) {
    ::munmap(memory, rounded_up(bytes, kPage));
    throw std::bad_alloc();
  }
  return memory;
}

/// Blocks of one size; those given back form a list.
class BlockSize {
 public:
  void* take(std::size_t bytes) {
    const std::lock_guard lock(mutex_);
    if (free_ == nullptr) cut(map_pages(std::max(bytes, kChunk)), bytes);
    Block* const block = free_;
    free_ = block->next;
    block->next = nullptr;
    return block;
  }

  void put(void* memory) noexcept {
    const std::lock_guard lock(mutex_);
    free_ = new (memory) Block{free_};
  }

  void lock() { mutex_.lock(); }
  void unlock() { mutex_.unlock(); }

 private:
  struct Block {
    Block* next;
  };

  void cut(void* chunk, std::size_t bytes) {
    // NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): no size is 0
    for (std::size_t at = bytes < kChunk ? kChunk / bytes : 1; at-- > 0;) {
      free_ = new (static_cast<std::byte*>(chunk) + at * bytes) Block{free_};
    }
  }

  std::mutex mutex_;
  Block* free_ = nullptr;
};

/// Sizes 2^i and 3·2^(i−1) of cache lines: at most a third of a block is unused, or half of the smallest.
class SecretHeap {
 public:
  SecretHeap() {
    // A thread may hold a lock while another forks.
    ::pthread_atfork([] { instance().lock_all(); }, [] { instance().unlock_all(); },
                     [] { instance().unlock_all(); });
  }

  /// Never destroyed: secrets in static objects are given back at the very end.
  static SecretHeap& instance() {
    static SecretHeap& heap = *new SecretHeap;
    return heap;
  }

  BlockSize& size_for(std::size_t bytes, std::size_t& rounded) {
    const std::size_t lines = rounded_up(std::max<std::size_t>(bytes, 1), kAlignment) / kAlignment;
    const std::size_t power = std::bit_ceil(lines);
    const bool three_quarters = power >= 4 && lines <= power / 4 * 3;
    rounded = (three_quarters ? power / 4 * 3 : power) * kAlignment;
    return sizes_[2 * static_cast<std::size_t>(std::countr_zero(power)) + (three_quarters ? 0 : 1)];
  }

 private:
  void lock_all() {
    for (BlockSize& size : sizes_) size.lock();
  }
  void unlock_all() {
    for (BlockSize& size : sizes_) size.unlock();
  }

  std::array<BlockSize, 2 * (std::bit_width(kLargestKept / kAlignment))> sizes_;
};

void* allocate(std::size_t bytes) {
  if (bytes > kLargestKept) return map_pages(bytes);
  std::size_t rounded = 0;
  BlockSize& size = SecretHeap::instance().size_for(bytes, rounded);
  return size.take(rounded);
}

void give_back(void* memory, std::size_t bytes) noexcept {
  if (bytes > kLargestKept) {
    ::munmap(memory, rounded_up(bytes, kPage));
    return;
  }
  std::size_t rounded = 0;
  SecretHeap::instance().size_for(bytes, rounded).put(memory);
}

#endif

}  // namespace

// This file defines nothing else, so that a test program can put its own in its place when it is linked.
void* allocate_secret(std::size_t bytes) { return allocate(bytes); }

void free_secret(void* memory, std::size_t bytes) noexcept {
  if (memory != nullptr) give_back(memory, bytes);
}

}  // namespace opaline
