#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "opaline/model/compiled_model.h"
#include "opaline/model/dataset.h"
#include "opaline/model/onnx_network.h"

namespace opaline {

/// What `opaline compile` may be told. Bits left open are chosen.
struct QuantisationOptions {
  std::string name = "model";
  std::optional<unsigned> input_bits;   ///< 1 … 16
  std::optional<unsigned> weight_bits;  ///< 2 … 24, sign included
  PixelScaling pixels;
  std::optional<double> input_lowest;  ///< default: the image of pixels 0 … 255 under `pixels`
  std::optional<double> input_highest;
  std::vector<std::string> labels;  ///< default: "0", "1", …
  unsigned mask_bits = 40;          ///< ClientSpec::mask_bits
  bool drop_unused = false;         ///< list the inputs without a weight in the spec: they need not be sent
  double agreement = 0.995;         ///< with the float network, asked of automatic widths on calibration data
};

/// How well the integers do what the floats did.
struct QuantisationReport {
  unsigned input_bits = 0;
  unsigned weight_bits = 0;
  std::size_t calibration_images = 0;
  double agreement = 0.0;                  ///< share of calibration images with the same class
  std::optional<double> float_accuracy;    ///< with labels only
  std::optional<double> integer_accuracy;  ///< with labels only
};

struct QuantisedModel {
  CompiledModel model;
  QuantisationReport report;
};

/// Rounds the affine map to integers: inputs by InputEncoding, weights on one scale that puts the largest
/// magnitude at 2^(weight_bits−1) − 1, bias on the product of the two. Without calibration images open widths
/// become 8 and 8; with them, the fewest total bits that reach options.agreement.
QuantisedModel quantise(const ImportedNetwork& network, const QuantisationOptions& options,
                        const ImageSet& calibration, std::span<const std::uint8_t> labels);

}  // namespace opaline
