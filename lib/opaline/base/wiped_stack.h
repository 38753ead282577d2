#pragma once

#include <functional>
#include <optional>
#include <type_traits>

namespace opaline {

/// Runs `work` on a stack of this thread's own that is left out of core dumps, and wipes what it used of it:
/// compilers, kernels and GMP leave secrets on the stack that nobody can reach later. parallel_for inside
/// does the same on the threads that it uses. Called from inside itself it just runs. What `work` throws is
/// thrown here. Takes a few microseconds; `work` gets by with 320 KiB (debug builds: 4 MiB). Error(io) if
/// there is no memory. Sanitizers know nothing of it: builds with them stay on the ordinary stack.
void run_on_secret_stack(const std::function<void()>& work);

/// The same for work with a result.
template <typename Work>
auto on_secret_stack(const Work& work) {
  if constexpr (std::is_void_v<std::invoke_result_t<Work>>) {
    run_on_secret_stack(std::cref(work));
  } else {
    std::optional<std::invoke_result_t<Work>> result;
    const auto keep = [&] { result.emplace(work()); };
    run_on_secret_stack(std::cref(keep));
    return *std::move(result);
  }
}

/// Whether this thread is at such work.
bool is_on_secret_stack() noexcept;

/// Runs `work` in a thread of its own that has 1 MiB of such a stack, and waits for it: for long work with
/// large numbers in GMP, and libraries, that shares nothing with the threads of the caller.
void run_in_secret_thread(const std::function<void()>& work);

}  // namespace opaline
