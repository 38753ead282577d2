#pragma once

namespace opaline::test {

/// What a whole program needs and this machine or its environment lacks, or nullptr: defined by the
/// needs_….cpp the program is linked with. A program that lacks something reports itself as skipped.
const char* what_is_missing();

}  // namespace opaline::test
