#include "support/needs.h"

const char* opaline::test::what_is_missing() { return nullptr; }
