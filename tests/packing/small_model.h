#pragma once

#include <cstdint>
#include <random>
#include <vector>

#include "opaline/packing/packed_map.h"
#include "opaline/packing/slot_layout.h"

namespace opaline::test {

/// An affine map small enough to try everything with, and its answers in the clear.
struct SmallModel {
  std::size_t inputs = 0;
  std::size_t outputs = 0;
  std::int64_t input_maximum = 0;
  std::vector<std::int32_t> weights;
  std::vector<std::int64_t> bias;

  /// The tightest bound there is.
  Certificate certificate(unsigned mask_bits) const;

  std::vector<std::vector<std::int64_t>> answers(const std::vector<std::vector<std::int64_t>>& images) const;
};

/// Weights all at one end, at either, or at either among zeros; biases that make answers reach the bound.
enum class Extremes { positive, negative, mixed, sparse };
SmallModel extreme_model(std::mt19937_64& random, std::size_t inputs, std::size_t outputs, Extremes extremes);

/// Inputs at their largest next to zeros; the first image all at its largest, the second zero.
std::vector<std::vector<std::int64_t>> extreme_images(std::mt19937_64& random, std::size_t inputs,
                                                      std::int64_t maximum, std::size_t count);

/// Every shape of a layout that exists, with one image and with as many as fit.
std::vector<LayoutShape> all_shapes(const Certificate& certificate, std::size_t key_bits);

/// The plaintexts of the replies: what encryption would carry, in the clear.
std::vector<Integer> reply_plaintexts(const PackedMap& map,
                                      const std::vector<std::vector<std::int64_t>>& images);

/// The answers of all images by way of packed plaintexts.
std::vector<std::vector<std::int64_t>> evaluate_packed(const SmallModel& model, const SlotLayout& layout,
                                                       const std::vector<std::vector<std::int64_t>>& images);

}  // namespace opaline::test
