#pragma once

#include <onnx/onnx_pb.h>

#include <string>

#include "opaline/model/onnx/tensor.h"

namespace opaline::network {

enum class Batch {
  open,  ///< the first dimension is open: as many images as one likes
  one,   ///< the first dimension is 1
  none   ///< the whole tensor is one image
};

/// What the graph says of its input.
struct GraphInput {
  std::string name;
  Shape shape;  ///< for one image, batch dimension included
  Batch batch = Batch::open;

  Shape without_batch() const { return {shape.begin() + (batch == Batch::none ? 0 : 1), shape.end()}; }
};

/// Error(unsupported_model) for what is no tensor of float or double with known sizes within the limits.
GraphInput read_input(const onnx::ValueInfoProto& info);

}  // namespace opaline::network
