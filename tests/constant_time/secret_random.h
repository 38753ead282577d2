#pragma once

namespace opaline::test {

/// From here on what fill_random gives is marked secret, or no longer: for programs that are linked with
/// secret_random.cpp.
void mark_randomness_secret(bool secret);

}  // namespace opaline::test
