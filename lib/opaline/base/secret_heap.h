#pragma once

#include <cstddef>

namespace opaline {

/// Memory for secrets, aligned to 64 bytes: pages of its own that are left out of core dumps (madvise(2),
/// MADV_DONTDUMP). What is given back is kept for the next secret of the size and not returned to the system,
/// except for blocks above 4 MiB. std::bad_alloc if there is none. Safe from many threads and after fork.
/// In a build with the address sanitizer the ordinary heap, so that it sees what goes wrong.
void* allocate_secret(std::size_t bytes);

/// Takes back what allocate_secret(bytes) gave. The caller has wiped it.
void free_secret(void* memory, std::size_t bytes) noexcept;

}  // namespace opaline
