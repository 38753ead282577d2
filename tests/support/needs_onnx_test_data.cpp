#include "support/needs.h"
#include "support/onnx_test_data.h"

const char* opaline::test::what_is_missing() {
  return std::filesystem::is_directory(onnx_test_data() / "node") ? nullptr
                                                                  : "libonnx-testdata is not installed";
}
