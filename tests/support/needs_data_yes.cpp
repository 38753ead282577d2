#include "support/data.h"

bool opaline::test::needs_data() { return true; }
