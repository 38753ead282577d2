#pragma once

#include <functional>
#include <vector>

#include "opaline/bigint/integer.h"

namespace opaline::test {

/// What an action gives in a forked process: numbers of at most `width` bytes. OpenMP's threads do not
/// survive fork, so it has one.
std::vector<Integer> in_forked_process(std::size_t width,
                                       const std::function<std::vector<Integer>()>& action);

/// The same in a process that has the number 1, as the first one of a container has; called by such a
/// process, caller and child have the same number, each in its own container.
std::vector<Integer> in_first_process(std::size_t width, const std::function<std::vector<Integer>()>& action);

/// Whether this machine lets us make such processes.
bool can_make_containers();

}  // namespace opaline::test
