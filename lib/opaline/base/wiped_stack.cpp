#include "opaline/base/wiped_stack.h"

#include <pthread.h>
#include <sys/mman.h>
#include <ucontext.h>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <utility>

#include "opaline/base/constant_time.h"
#include "opaline/base/error.h"
#include "opaline/base/sanitizers.h"
#include "opaline/base/secret.h"

#if __has_include(<valgrind/valgrind.h>)
#include <valgrind/valgrind.h>
#endif

namespace opaline {
namespace {

constexpr std::size_t kPage = 4096;
constexpr std::size_t kPiece = 512;  // wiped if anything in it was written
constexpr std::size_t kThreadBytes = std::size_t{1} << 20;

/// Zero but while it is used; one page more below it ends the process if it is too small.
class Stack {
 public:
  explicit Stack(std::size_t bytes)
      : bytes_(bytes),
        mapped_(::mmap(nullptr, bytes + kPage, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK | MAP_NORESERVE, -1, 0)) {
    if (mapped_ == MAP_FAILED) throw Error(ErrorKind::io, "no memory for a stack");
    if (::mprotect(mapped_, kPage, PROT_NONE) != 0 || ::madvise(memory(), bytes_, MADV_DONTDUMP) != 0) {
      ::munmap(mapped_, bytes_ + kPage);
      throw Error(ErrorKind::io, "no memory for a stack");
    }
#ifdef VALGRIND_STACK_REGISTER
    registered_ = VALGRIND_STACK_REGISTER(memory(), memory() + bytes_);
#endif
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  ~Stack() {
    wipe_used();
#ifdef VALGRIND_STACK_REGISTER
    VALGRIND_STACK_DEREGISTER(registered_);
#endif
    ::munmap(mapped_, bytes_ + kPage);
  }

  std::byte* memory() const { return static_cast<std::byte*>(mapped_) + kPage; }
  std::size_t bytes() const { return bytes_; }

  /// Pages that were never written are all one page of zeros, which is quickly read.
  void wipe_used() noexcept {
    declassify(memory(), bytes_);  // memcheck takes what was popped off a stack for no memory at all
    for (std::byte* piece = memory(); piece != memory() + bytes_; piece += kPiece) {
      if (is_written(piece)) wipe(piece, kPiece);
    }
  }

 private:
  /// Most of what is read was never written, so this is all that a switch takes.
  static bool is_written(const std::byte* piece) noexcept {
    using Vector [[gnu::vector_size(64), gnu::may_alias]] = std::uint64_t;
    const auto* const vectors = reinterpret_cast<const Vector*>(piece);
    Vector any = vectors[0];
    for (std::size_t i = 1; i < kPiece / sizeof(Vector); ++i) any |= vectors[i];
    std::uint64_t joined = 0;
    for (std::size_t i = 0; i < 8; ++i) joined |= any[i];
    return joined != 0;
  }

  std::size_t bytes_;
  void* mapped_;
  unsigned registered_ = 0;
};

thread_local bool is_at_secret_work = false;

/// Work, and what it threw. What is thrown may not leave a stack that nothing called.
struct Run {
  const std::function<void()>& work;
  std::exception_ptr failure;

  void start() {
    const bool before = std::exchange(is_at_secret_work, true);
    try {
      work();
    } catch (...) {
      failure = std::current_exception();
    }
    is_at_secret_work = before;
  }

  void finish() const {
    if (failure) std::rethrow_exception(failure);
  }
};

#ifndef OPALINE_SANITIZED

#ifdef NDEBUG
constexpr std::size_t kSwitchedBytes = std::size_t{320} << 10;
#else
constexpr std::size_t kSwitchedBytes = std::size_t{4} << 20;
#endif

struct Switch {
  Run run;
  ucontext_t back;
  ucontext_t there;
};

/// makecontext(3) passes ints.
void enter(unsigned high, unsigned low) {
  auto* const at = std::bit_cast<Switch*>(std::uintptr_t{high} << 32 | low);
  at->run.start();
}

void switch_stacks(Switch& at, const Stack& stack) {
  if (::getcontext(&at.there) != 0) throw Error(ErrorKind::io, "no stack can be switched to");
  at.there.uc_stack.ss_sp = stack.memory();
  at.there.uc_stack.ss_size = stack.bytes();
  at.there.uc_link = &at.back;
  const auto address = reinterpret_cast<std::uintptr_t>(&at);
  ::makecontext(&at.there, reinterpret_cast<void (*)()>(enter), 2, static_cast<unsigned>(address >> 32),
                static_cast<unsigned>(address));
  if (::swapcontext(&at.back, &at.there) != 0) throw Error(ErrorKind::io, "no stack can be switched to");
}

#endif

void* start_thread(void* run) {
  static_cast<Run*>(run)->start();
  return nullptr;
}

}  // namespace

bool is_on_secret_stack() noexcept { return is_at_secret_work; }

void run_on_secret_stack(const std::function<void()>& work) {
  if (is_at_secret_work) {
    work();
    return;
  }
#ifdef OPALINE_SANITIZED
  Run run{work, nullptr};
  run.start();
  run.finish();
#else
  thread_local Stack stack(kSwitchedBytes);
  Switch at{{work, nullptr}, {}, {}};
  switch_stacks(at, stack);
  stack.wipe_used();
  at.run.finish();
#endif
}

void run_in_secret_thread(const std::function<void()>& work) {
  const Stack stack(kThreadBytes);
  Run run{work, nullptr};
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstack(&attributes, stack.memory(), stack.bytes());
  pthread_t thread{};
  const int failed = ::pthread_create(&thread, &attributes, start_thread, &run);
  ::pthread_attr_destroy(&attributes);
  if (failed != 0) throw Error(ErrorKind::io, "no thread can be started");
  ::pthread_join(thread, nullptr);
  run.finish();
}

}  // namespace opaline
