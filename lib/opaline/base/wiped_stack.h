#pragma once

#include <functional>

namespace opaline {

/// Runs `work` in a thread whose stack is left out of core dumps and wiped afterwards, and waits for it: for
/// what leaves secrets on the stack that nobody can reach later. What it throws is thrown here. Error(io) if
/// there is no memory or no thread. `work` gets by with 1 MiB of stack.
void run_on_wiped_stack(const std::function<void()>& work);

}  // namespace opaline
