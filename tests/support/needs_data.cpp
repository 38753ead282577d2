#include "support/data.h"
#include "support/needs.h"

const char* opaline::test::what_is_missing() {
  return have_data() ? nullptr : "OPALINE_DATA does not name a folder of data sets";
}
