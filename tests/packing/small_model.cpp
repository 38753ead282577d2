#include "small_model.h"

#include <algorithm>
#include <cstdlib>

#include "support/packed_integers.h"

namespace opaline::test {

constexpr std::int32_t kLargestWeight = 7;
constexpr unsigned kWeightBits = 6;

Certificate SmallModel::certificate(unsigned mask_bits) const {
  std::int64_t bound = 0;
  for (std::size_t k = 0; k < outputs; ++k) {
    std::int64_t lowest = bias[k];
    std::int64_t highest = bias[k];
    for (std::size_t j = 0; j < inputs; ++j) {
      (weights[k * inputs + j] < 0 ? lowest : highest) += weights[k * inputs + j] * input_maximum;
    }
    bound = std::max({bound, std::abs(lowest), std::abs(highest)});
  }
  return {inputs, outputs, input_maximum, bound, mask_bits};
}

std::vector<std::vector<std::int64_t>> SmallModel::answers(
    const std::vector<std::vector<std::int64_t>>& images) const {
  std::vector<std::vector<std::int64_t>> all;
  for (const auto& image : images) {
    all.push_back(bias);
    for (std::size_t k = 0; k < outputs; ++k) {
      for (std::size_t j = 0; j < inputs; ++j) all.back()[k] += weights[k * inputs + j] * image[j];
    }
  }
  return all;
}

SmallModel extreme_model(std::mt19937_64& random, std::size_t inputs, std::size_t outputs,
                         Extremes extremes) {
  SmallModel model;
  model.inputs = inputs;
  model.outputs = outputs;
  model.input_maximum = 3;
  const auto either = [&] { return random() % 2 == 0 ? kLargestWeight : -kLargestWeight; };
  for (std::size_t i = 0; i < inputs * outputs; ++i) {
    switch (extremes) {
      case Extremes::positive:
        model.weights.push_back(kLargestWeight);
        break;
      case Extremes::negative:
        model.weights.push_back(-kLargestWeight);
        break;
      case Extremes::mixed:
        model.weights.push_back(either());
        break;
      case Extremes::sparse:
        model.weights.push_back(random() % 2 == 0 ? 0 : either());
        break;
    }
  }
  for (std::size_t k = 0; k < outputs; ++k) model.bias.push_back(static_cast<std::int64_t>(random() % 7) - 3);
  return model;
}

std::vector<std::vector<std::int64_t>> extreme_images(std::mt19937_64& random, std::size_t inputs,
                                                      std::int64_t maximum, std::size_t count) {
  std::vector<std::vector<std::int64_t>> images(count, std::vector<std::int64_t>(inputs, 0));
  for (std::size_t i = 0; i < count; ++i) {
    for (std::int64_t& value : images[i]) value = i == 0 || (i > 1 && random() % 2 == 0) ? maximum : 0;
  }
  return images;
}

std::vector<LayoutShape> all_shapes(const Certificate& certificate, std::size_t key_bits) {
  std::vector<LayoutShape> shapes;
  for (std::size_t t = 1; t <= certificate.inputs; ++t) {
    for (std::size_t outputs = 1; outputs <= certificate.outputs; ++outputs) {
      for (std::size_t a_slot = 1; a_slot <= outputs; ++a_slot) {
        LayoutShape shape{t, outputs, a_slot, 1, 0};
        shape.slot_bits = SlotLayout::slot_bits(shape, certificate);
        const std::size_t most = SlotLayout::most_images(shape, certificate, key_bits);
        for (std::size_t images = 1; images <= std::min<std::size_t>(most, 3); ++images) {
          shape.images = images;
          shapes.push_back(shape);
        }
        if (most > 3) {
          shape.images = most;
          shapes.push_back(shape);
        }
      }
    }
  }
  return shapes;
}

std::vector<Integer> reply_plaintexts(const PackedMap& map,
                                      const std::vector<std::vector<std::int64_t>>& images) {
  const WeightMatrix matrix = map.matrix();
  std::vector<Integer> replies = map.constants();
  for (std::size_t c = 0; c < matrix.inputs; ++c) {
    const Integer packed = pack_integer(map.layout(), c, images);
    for (std::size_t k = 0; k < matrix.outputs; ++k) {
      for (std::size_t p = 0; p < matrix.shifts.size(); ++p) {
        const std::int32_t weight = matrix.values[(k * matrix.shifts.size() + p) * matrix.inputs + c];
        replies[k] += (packed * weight) << static_cast<unsigned>(matrix.shifts[p]);
      }
    }
  }
  return replies;
}

std::vector<std::vector<std::int64_t>> evaluate_packed(const SmallModel& model, const SlotLayout& layout,
                                                       const std::vector<std::vector<std::int64_t>>& images) {
  const PackedMap map(layout, model.weights, kWeightBits, model.bias);
  const std::vector<Integer> replies = reply_plaintexts(map, images);
  std::vector<std::vector<std::int64_t>> answers(images.size());
  for (std::size_t reply = 0; reply < replies.size(); ++reply) {
    const auto some = unpack_integer(layout, reply, replies[reply], images.size());
    for (std::size_t i = 0; i < images.size(); ++i) {
      answers[i].insert(answers[i].end(), some[i].begin(), some[i].end());
    }
  }
  return answers;
}

}  // namespace opaline::test
