#pragma once

#include "opaline/model/onnx/evaluate_call.h"
#include "opaline/model/onnx/tensor.h"

namespace opaline::network::evaluation {

/// The elements as doubles.
Tensor as_numbers(const Tensor& tensor);

/// The elements rounded towards zero. Error(unsupported_model) for one that does not fit 64 bits.
Tensor as_integers(const Call& call, const Tensor& tensor);

}  // namespace opaline::network::evaluation
