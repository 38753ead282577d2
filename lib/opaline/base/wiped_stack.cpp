#include "opaline/base/wiped_stack.h"

#include <pthread.h>
#include <sys/mman.h>

#include <cstddef>
#include <exception>

#include "opaline/base/constant_time.h"
#include "opaline/base/error.h"
#include "opaline/base/secret.h"

namespace opaline {
namespace {

constexpr std::size_t kBytes = std::size_t{1} << 20;

class Stack {
 public:
  Stack()
      : memory_(
            ::mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0)) {
    if (memory_ == MAP_FAILED) throw Error(ErrorKind::io, "no memory for a stack");
    ::madvise(memory_, kBytes, MADV_DONTDUMP);
  }
  Stack(const Stack&) = delete;
  Stack& operator=(const Stack&) = delete;
  ~Stack() {
    declassify(memory_, kBytes);  // memcheck takes the stack of a thread that has ended for no memory at all
    wipe(memory_, kBytes);
    ::munmap(memory_, kBytes);
  }

  void* memory() const { return memory_; }

 private:
  void* memory_;
};

struct Run {
  const std::function<void()>& work;
  std::exception_ptr failure;
};

void* start(void* argument) {
  Run& run = *static_cast<Run*>(argument);
  try {
    run.work();
  } catch (...) {
    run.failure = std::current_exception();
  }
  return nullptr;
}

}  // namespace

void run_on_wiped_stack(const std::function<void()>& work) {
  const Stack stack;
  Run run{work, nullptr};
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstack(&attributes, stack.memory(), kBytes);
  pthread_t thread{};
  const int failed = ::pthread_create(&thread, &attributes, start, &run);
  ::pthread_attr_destroy(&attributes);
  if (failed != 0) throw Error(ErrorKind::io, "no thread can be started");
  ::pthread_join(thread, nullptr);
  if (run.failure) std::rethrow_exception(run.failure);
}

}  // namespace opaline
