#pragma once

#include <optional>

#include "opaline/base/bytes.h"
#include "opaline/model/affine_map.h"
#include "opaline/model/network_notes.h"
#include "opaline/model/onnx_network.h"
#include "opaline/model/standardisation.h"

namespace opaline {

/// A fitted head with what surrounds it in the network that clients' numbers go into.
struct HeadNetwork {
  AffineMap head;
  std::optional<Standardisation> standardisation;  ///< of the raw inputs, one pair an input
  OutputActivation activation = OutputActivation::none;
  NetworkNotes notes;
};

/// As an ONNX model (opset 13) in single precision: Sub and Div if it is standardised, Gemm, then Softmax,
/// Sigmoid or nothing; the notes as metadata. Input "input" of shape N × inputs, output "probabilities" or,
/// of a regression, "values". Equal networks give equal bytes. Error(invalid_argument) if the parts do not
/// fit together, for weights beyond single precision, or for another activation.
Bytes to_onnx(const HeadNetwork& network);

}  // namespace opaline
