#pragma once

#include <utility>
#include <vector>

#include "opaline/model/compiled_model.h"

namespace opaline::test {

/// A spec for 2 x 2 pixels and three classes, 4 bits an input.
inline ClientSpec sample_spec() {
  ClientSpec spec;
  spec.name = "sample";
  spec.input_shape = {2, 2};
  spec.inputs = 4;
  spec.outputs = 3;
  spec.encoding.bits = 4;
  spec.labels = {"cat", "dog", "b\xc3\xa4r"};
  spec.activation = OutputActivation::softmax;
  spec.output_scales = {0.25};
  return spec;
}

/// bound = max(15·7 + 1, 15·6 + 7, 15·6 + 100) = 190.
inline CompiledModel sample_model() {
  return {sample_spec(), {1, 2, -3, 4, 0, -6, 0, 0, 5, -5, 1, 0}, {1, -7, 100}};
}

}  // namespace opaline::test
