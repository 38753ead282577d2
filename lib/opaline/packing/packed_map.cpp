#include "opaline/packing/packed_map.h"

#include <algorithm>
#include <utility>

#include "opaline/base/error.h"

namespace opaline {
namespace {

Integer shifted(const Integer& x, std::size_t bits) { return x << static_cast<unsigned>(bits); }

}  // namespace

PackedMap::PackedMap(const SlotLayout& layout, std::span<const std::int32_t> weights, unsigned weight_bits,
                     std::span<const std::int64_t> bias)
    : layout_(layout), weight_bits_(weight_bits) {
  const Certificate& certificate = layout.certificate();
  const LayoutShape& shape = layout.shape();
  const std::size_t t = shape.features;
  if (weights.size() != certificate.inputs * certificate.outputs || bias.size() != certificate.outputs) {
    throw Error(ErrorKind::invalid_argument, "the layout was made for another model");
  }

  // Positions in ascending order, and what stands at each.
  std::vector<std::pair<std::size_t, std::pair<std::size_t, std::size_t>>> places;
  for (std::size_t output = 0; output < shape.outputs; ++output) {
    for (std::size_t j = 0; j < t; ++j) places.push_back({layout.weight_shift(output, j), {output, j}});
  }
  std::sort(places.begin(), places.end());
  for (const auto& place : places) shifts_.push_back(place.first);
  values_.reserve(layout.replies() * places.size() * layout.ciphertexts());
  for (std::size_t reply = 0; reply < layout.replies(); ++reply) {
    for (const auto& [shift, place] : places) {
      const auto& [output, j] = place;
      present_.push_back(output < layout.answers_in(reply) ? 1 : 0);
      for (std::size_t i = 0; i < layout.ciphertexts(); ++i) {
        const std::size_t input = i * t + j;
        const bool there = output < layout.answers_in(reply) && input < certificate.inputs;
        values_.push_back(there ? weights[(reply * shape.outputs + output) * certificate.inputs + input] : 0);
      }
    }
  }

  // Sums of the weights of either sign, for every output and place in a ciphertext.
  std::vector<std::int64_t> negative(certificate.outputs * t);
  std::vector<std::int64_t> positive(certificate.outputs * t);
  for (std::size_t at = 0; at < weights.size(); ++at) {
    const std::size_t sum = at / certificate.inputs * t + at % certificate.inputs % t;
    (weights[at] < 0 ? negative : positive)[sum] += weights[at];
  }
  for (std::size_t reply = 0; reply < layout.replies(); ++reply) {
    std::vector<Run> runs;
    for (std::size_t run = 0; run < layout.runs(); ++run) {
      runs.push_back(run_of(reply, run, negative, positive));
      mask_limits_.push_back(shifted(1, layout.run_bits()) - runs.back().range);
    }
    Integer offset = 0;
    for (std::size_t image = 0; image < shape.images; ++image) {
      for (std::size_t u = 0; u < layout.answers_in(reply); ++u) {
        offset += shifted(Integer(bias[reply * shape.outputs + u]) + certificate.bound,
                          layout.answer_bit(image, u));
      }
      for (std::size_t run = 0; run < runs.size(); ++run) {
        offset -= shifted(runs[run].lowest, layout.run_bit(image, run));
      }
    }
    offsets_.push_back(std::move(offset));
  }
}

PackedMap::Run PackedMap::run_of(std::size_t reply, std::size_t run,
                                 const std::vector<std::int64_t>& negative,
                                 const std::vector<std::int64_t>& positive) const {
  const LayoutShape& shape = layout_.shape();
  const std::size_t t = shape.features;
  // Slot i of the run takes from the answers above it, in slot group `run`, the products of features
  // j ≥ t − 1 − i, and from those below it, in group run − 1, of features j ≤ t − 2 − i.
  const auto sum = [&](const std::vector<std::int64_t>& sums, std::size_t i) {
    Integer total = 0;
    for (std::size_t u = 0; u < layout_.answers_in(reply); ++u) {
      const std::size_t group = u / shape.outputs_a_slot;
      if (group != run && group + 1 != run) continue;
      const std::size_t first = group == run ? t - 1 - i : 0;
      const std::size_t end = group == run ? t : t - 1 - i;
      std::int64_t part = 0;
      for (std::size_t j = first; j < end; ++j) part += sums[(reply * shape.outputs + u) * t + j];
      total += shifted(part, u % shape.outputs_a_slot * layout_.answer_bits());
    }
    return Integer(total * layout_.certificate().input_maximum);
  };
  Run result;
  for (std::size_t i = t - 1; i-- > 0;) {
    result.lowest = shifted(result.lowest, shape.slot_bits) + sum(negative, i);
    result.range = shifted(result.range, shape.slot_bits) + sum(positive, i) - sum(negative, i);
  }
  return result;
}

WeightMatrix PackedMap::matrix() const {
  return {layout_.replies(), layout_.ciphertexts(), values_, weight_bits_, shifts_, present_};
}

std::vector<Integer> PackedMap::constants() const {
  std::vector<Integer> constants = offsets_;
  for (std::size_t reply = 0; reply < constants.size(); ++reply) {
    for (std::size_t image = 0; image < layout_.images(); ++image) {
      for (std::size_t run = 0; run < layout_.runs(); ++run) {
        constants[reply] +=
            shifted(random_below(mask_limits_[reply * layout_.runs() + run]), layout_.run_bit(image, run));
      }
    }
  }
  return constants;
}

}  // namespace opaline
