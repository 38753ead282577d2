#pragma once

#include <filesystem>

namespace opaline::test {

/// ONNX's own tests of its operators, as Debian's libonnx-testdata installs them.
inline std::filesystem::path onnx_test_data() { return "/usr/share/libonnx-testdata/data"; }

}  // namespace opaline::test
