#include <algorithm>
#include <cmath>

#include "opaline/model/onnx/evaluate_call.h"
#include "opaline/model/onnx/strided.h"

/// Operators that treat some axes unlike the others.
namespace opaline::network::evaluation {
namespace {

/// What a reduction makes of its input's shape.
struct Reduction {
  Shape kept;           ///< with 1 for the axes that are reduced
  Shape shape;          ///< of the result
  std::size_t reduced;  ///< elements of the input an element of the result
  bool nothing;         ///< noop_with_empty_axes, and no axes
};

/// The axes moved to the inputs in operator set `moved`.
Reduction reduction(const Call& call, std::int64_t moved) {
  const Shape& from = call.input(0).shape;
  const std::optional<Integers> given = call.list("axes", 1, moved);
  const bool none = !given || given->empty();
  if (call.opset() < moved && call.has_attribute("noop_with_empty_axes")) {
    call.damaged("operator set " + std::to_string(moved) + " is the first with noop_with_empty_axes");
  }
  if (none && call.integer("noop_with_empty_axes", 0) != 0) return {from, from, 1, true};
  std::vector<bool> reduced(from.size(), none);
  if (!none) {
    for (const std::size_t axis : call.axes(*given, from.size())) reduced[axis] = true;
  }
  const bool keep = call.integer("keepdims", 1) != 0;
  Reduction result{{}, {}, 1, false};
  for (std::size_t axis = 0; axis < from.size(); ++axis) {
    result.kept.push_back(reduced[axis] ? 1 : from[axis]);
    if (keep || !reduced[axis]) result.shape.push_back(result.kept.back());
    if (reduced[axis]) result.reduced *= from[axis];
  }
  return result;
}

void add_to(const Call& /*call*/, double& sum, double value) { sum += value; }

void add_to(const Call& call, std::int64_t& sum, std::int64_t value) {
  if (__builtin_add_overflow(sum, value, &sum)) call.refuse("a whole number does not fit 64 bits");
}

Tensor sum_over(const Call& call, const Reduction& reduction) {
  const Tensor& input = call.input(0);
  const Strides strides = broadcast_strides(reduction.kept, input.shape);
  call.work({element_count(input.shape)});
  return std::visit(
      [&](const auto& from) -> Tensor {
        std::decay_t<decltype(from)> sums(call.count(reduction.shape));
        auto next = from.begin();
        walk(input.shape, strides, 0, [&](std::size_t offset) { add_to(call, sums[offset], *next++); });
        return {reduction.shape, std::move(sums)};
      },
      input.values);
}

Outputs reduce_sum(const Call& call) {
  const Reduction over = reduction(call, 13);
  return one(over.nothing ? call.input(0) : sum_over(call, over));
}

Outputs reduce_mean(const Call& call) {
  const Reduction over = reduction(call, 18);
  if (over.nothing) return one(call.input(0));
  static_cast<void>(call.numbers(0));  // The mean of whole numbers is not defined.
  if (over.reduced == 0) call.refuse("it averages nothing");
  Tensor mean = sum_over(call, over);
  for (double& value : std::get<Numbers>(mean.values)) value /= static_cast<double>(over.reduced);
  return one(std::move(mean));
}

/// Before operator set 13, everything from the axis on was one axis.
Around softmax_axis(const Call& call) {
  const Shape& shape = call.input(0).shape;
  if (call.opset() >= 13) return around(shape, call.axis(call.integer("axis", -1), shape.size()));
  const std::int64_t given = call.integer("axis", 1);
  const std::span<const std::size_t> all(shape);
  const bool behind_the_last = given == to_signed(shape.size());
  const std::size_t axis = behind_the_last ? shape.size() : call.axis(given, shape.size());
  return {element_count(all.first(axis)), element_count(all.subspan(axis)), 1};
}

/// Replaces every row x along the axis by finish(x - max, Σ exp(x - max)).
template <typename Finish>
Outputs softmax_with(const Call& call, const Finish& finish) {
  const Around rows = softmax_axis(call);
  Numbers values = call.numbers(0);
  call.work({values.size()});
  if (values.empty()) return one({call.input(0).shape, std::move(values)});
  for (std::size_t outer = 0; outer < rows.outer; ++outer) {
    for (std::size_t inner = 0; inner < rows.inner; ++inner) {
      double* const row = values.data() + outer * rows.size * rows.inner + inner;
      double largest = row[0];
      for (std::size_t i = 1; i < rows.size; ++i) largest = std::max(largest, row[i * rows.inner]);
      double sum = 0.0;
      for (std::size_t i = 0; i < rows.size; ++i) sum += std::exp(row[i * rows.inner] - largest);
      for (std::size_t i = 0; i < rows.size; ++i) {
        row[i * rows.inner] = finish(row[i * rows.inner] - largest, sum);
      }
    }
  }
  return one({call.input(0).shape, std::move(values)});
}

Outputs softmax(const Call& call) {
  return softmax_with(call, [](double x, double sum) { return std::exp(x) / sum; });
}

Outputs log_softmax(const Call& call) {
  return softmax_with(call, [](double x, double sum) { return x - std::log(sum); });
}

Outputs arg_max(const Call& call) {
  const Tensor& input = call.input(0);
  const std::size_t axis = call.axis(call.integer("axis", 0), input.shape.size());
  const bool last = call.integer("select_last_index", 0) != 0;
  const Around rows = around(input.shape, axis);
  if (rows.size == 0) call.refuse("it looks for the largest of nothing");
  Shape shape = input.shape;
  shape[axis] = 1;
  if (call.integer("keepdims", 1) == 0) shape.erase(shape.begin() + to_signed(axis));
  call.work({element_count(input.shape)});
  return std::visit(
      [&](const auto& values) {
        Integers places(call.count(shape));
        for (std::size_t i = 0; i < places.size(); ++i) {
          const auto* const row = values.data() + i / rows.inner * rows.size * rows.inner + i % rows.inner;
          std::size_t best = 0;
          for (std::size_t k = 1; k < rows.size; ++k) {
            const auto next = row[k * rows.inner];
            const auto largest = row[best * rows.inner];
            if (last ? next >= largest : next > largest) best = k;
          }
          places[i] = to_signed(best);
        }
        return one({shape, std::move(places)});
      },
      input.values);
}

/// scale · (x - mean) / √(variance + epsilon) + bias, each by channel, the second axis.
Outputs batch_normalization(const Call& call) {
  if (call.integer("training_mode", 0) != 0) {
    call.refuse("it is in training mode; export the network for inference");
  }
  if (call.integer("spatial", 1) == 0) call.refuse("spatial = 0, one mean an element, is not known");
  const Shape& shape = call.input(0).shape;
  if (shape.empty()) call.refuse("its input has no axes");
  const Around rows = shape.size() == 1 ? Around{shape[0], 1, 1} : around(shape, 1);
  for (std::size_t i = 1; i < 5; ++i) {
    if (call.numbers(i).size() != rows.size) {
      call.refuse("input " + std::to_string(i) + " does not have one number a channel");
    }
  }
  const double epsilon = call.number("epsilon", double{1e-5F});
  Numbers values = call.numbers(0);
  call.work({values.size()});
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t channel = i / rows.inner % rows.size;
    values[i] = call.numbers(1)[channel] * (values[i] - call.numbers(3)[channel]) /
                    std::sqrt(call.numbers(4)[channel] + epsilon) +
                call.numbers(2)[channel];
  }
  return one({shape, std::move(values)});
}

}  // namespace

const std::vector<Operator>& axis_operators() {
  static const std::vector<Operator> table{
      {"ReduceSum", 1, 2, {"axes", "keepdims", "noop_with_empty_axes"}, reduce_sum},
      {"ReduceMean", 1, 2, {"axes", "keepdims", "noop_with_empty_axes"}, reduce_mean},
      {"Softmax", 1, 1, {"axis"}, softmax},
      {"LogSoftmax", 1, 1, {"axis"}, log_softmax},
      {"ArgMax", 1, 1, {"axis", "keepdims", "select_last_index"}, arg_max},
      {"BatchNormalization", 5, 5, {"epsilon", "momentum", "spatial", "training_mode"}, batch_normalization},
  };
  return table;
}

}  // namespace opaline::network::evaluation
