#include "support/needs.h"

const char* opaline::test::what_is_missing() {
#ifdef NDEBUG
  return nullptr;
#else
  return "this is a debug build, whose assertions end a process with a fault in it";
#endif
}
