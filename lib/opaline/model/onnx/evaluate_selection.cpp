#include <algorithm>
#include <limits>

#include "opaline/model/onnx/evaluate_call.h"
#include "opaline/model/onnx/strided.h"

/// Operators that take elements out of a tensor, or set it into a larger one.
namespace opaline::network::evaluation {
namespace {

/// Along one axis: `count` elements from `start` on, `step` apart.
struct Run {
  std::int64_t start;
  std::size_t count;
  std::int64_t step;
};

/// Bounds count from the end if negative and are then clamped, so that [0, max) means all.
Run run_of(const Call& call, std::int64_t start, std::int64_t end, std::int64_t step, std::size_t dimension) {
  if (step == 0) call.refuse("it has a step of zero");
  const std::int64_t size = to_signed(dimension);
  const bool forwards = step > 0;
  const std::int64_t first = forwards ? 0 : -1;  // The lowest place a bound can have.
  const auto clamped = [&](std::int64_t bound, std::int64_t lowest) {
    return std::clamp(bound < 0 ? bound + size : bound, lowest, std::max(lowest, size + first));
  };
  start = clamped(start, 0);
  end = clamped(end, first);
  const std::int64_t distance = forwards ? end - start : start - end;
  if (distance <= 0 || size == 0) return {0, 0, 1};
  if (distance == 1) return {start, 1, 1};
  // Beyond the dimension all steps are alike.
  const std::int64_t length = std::min(forwards ? step : -std::max(step, -size), size);
  return {start, to_size((distance - 1) / length + 1), forwards ? length : -length};
}

Outputs slice(const Call& call) {
  const Tensor& input = call.input(0);
  const std::optional<Integers> starts = call.list("starts", 1, 10);
  const std::optional<Integers> ends = call.list("ends", 2, 10);
  if (!starts || !ends) call.damaged("it lacks its starts or ends");
  Integers first_axes;
  for (std::size_t axis = 0; axis < std::min(starts->size(), input.shape.size()); ++axis) {
    first_axes.push_back(to_signed(axis));
  }
  const Integers given = call.list("axes", 3, 10).value_or(first_axes);
  const std::vector<std::size_t> axes = call.axes(given, input.shape.size());
  const Integers steps = call.has_input(4) ? call.row(4) : Integers(axes.size(), 1);
  if (starts->size() != axes.size() || ends->size() != axes.size() || steps.size() != axes.size()) {
    call.damaged("its starts, ends, axes and steps differ in number");
  }
  Shape shape = input.shape;
  Strides strides = strides_of(shape);
  std::int64_t offset = 0;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const std::size_t axis = axes[i];
    const Run run = run_of(call, (*starts)[i], (*ends)[i], steps[i], shape[axis]);
    offset += run.start * strides[axis];
    strides[axis] *= run.step;
    shape[axis] = run.count;
  }
  return one(pick(call, input, shape, strides, offset));
}

std::size_t index_in(const Call& call, std::int64_t index, std::size_t size) {
  const std::int64_t limit = to_signed(size);
  if (index < -limit || index >= limit) {
    call.refuse("index " + std::to_string(index) + " is outside " + std::to_string(size) + " elements");
  }
  return to_size(index < 0 ? index + limit : index);
}

/// The result of blocks of `length` elements that start at the offsets given.
Tensor blocks(const Call& call, const Tensor& tensor, Shape shape, const std::vector<std::size_t>& offsets,
              std::size_t length) {
  const std::size_t count = call.count(shape);
  call.work({count});
  return std::visit(
      [&](const auto& from) -> Tensor {
        std::decay_t<decltype(from)> to;
        to.reserve(count);
        for (const std::size_t offset : offsets) {
          const auto start = from.begin() + to_signed(offset);
          to.insert(to.end(), start, start + to_signed(length));
        }
        return {std::move(shape), std::move(to)};
      },
      tensor.values);
}

Outputs gather(const Call& call) {
  const Tensor& data = call.input(0);
  const Integers& indices = call.integers(1);
  const std::size_t axis = call.axis(call.integer("axis", 0), data.shape.size());
  const Around whole = around(data.shape, axis);
  Shape shape(data.shape.begin(), data.shape.begin() + to_signed(axis));
  shape.insert(shape.end(), call.input(1).shape.begin(), call.input(1).shape.end());
  shape.insert(shape.end(), data.shape.begin() + to_signed(axis) + 1, data.shape.end());
  static_cast<void>(call.count(shape));
  call.work({whole.outer, indices.size()});
  std::vector<std::size_t> offsets;
  for (std::size_t block = 0; block < whole.outer; ++block) {
    for (const std::int64_t index : indices) {
      offsets.push_back((block * whole.size + index_in(call, index, whole.size)) * whole.inner);
    }
  }
  return one(blocks(call, data, std::move(shape), offsets, whole.inner));
}

Outputs gather_elements(const Call& call) {
  const Tensor& data = call.input(0);
  const Integers& indices = call.integers(1);
  const Shape& shape = call.input(1).shape;
  const std::size_t axis = call.axis(call.integer("axis", 0), data.shape.size());
  Strides strides = strides_of(data.shape);
  const std::int64_t along = std::exchange(strides[axis], 0);
  bool fits = shape.size() == data.shape.size();
  for (std::size_t i = 0; fits && i < shape.size(); ++i) fits = i == axis || shape[i] <= data.shape[i];
  if (!fits) call.refuse("indices of shape " + to_string(shape) + " do not fit its input");
  std::vector<std::size_t> offsets;
  auto index = indices.begin();
  walk(shape, strides, 0, [&](std::size_t offset) {
    offsets.push_back(offset + index_in(call, *index++, data.shape[axis]) * to_size(along));
  });
  return one(blocks(call, data, shape, offsets, 1));
}

/// The last axis of the indices holds places in the data's axes behind the batch_dims first ones, which both
/// have in common.
Outputs gather_nd(const Call& call) {
  const Tensor& data = call.input(0);
  const Integers& indices = call.integers(1);
  const Shape& of = call.input(1).shape;
  const std::size_t batches = call.dimension(call.integer("batch_dims", 0));
  if (of.empty() || batches >= std::min(of.size(), data.shape.size()))
    call.refuse("its batch_dims do not fit");
  const std::size_t places = of.back();
  if (places < 1 || places > data.shape.size() - batches)
    call.refuse("its indices are too long for its data");
  const auto last_batch = to_signed(batches);
  if (!std::equal(of.begin(), of.begin() + last_batch, data.shape.begin())) {
    call.refuse("its data and indices differ in their batch dimensions");
  }
  Shape shape(of.begin(), of.end() - 1);
  const auto rest = data.shape.begin() + to_signed(batches + places);
  shape.insert(shape.end(), rest, data.shape.end());
  static_cast<void>(call.count(shape));

  const Strides strides = strides_of(data.shape);
  const std::size_t tuples = indices.size() / places;
  const std::size_t batch_count = element_count(std::span(of).first(batches));
  const std::size_t batch_length = batch_count == 0 ? 0 : element_count(data.shape) / batch_count;
  call.work({indices.size()});
  std::vector<std::size_t> offsets;
  for (std::size_t tuple = 0; tuple < tuples; ++tuple) {
    std::size_t offset = tuple / (tuples / batch_count) * batch_length;
    for (std::size_t i = 0; i < places; ++i) {
      const std::size_t axis = batches + i;
      offset += index_in(call, indices[tuple * places + i], data.shape[axis]) * to_size(strides[axis]);
    }
    offsets.push_back(offset);
  }
  const std::size_t length = element_count(std::span(data.shape).subspan(batches + places));
  return one(blocks(call, data, std::move(shape), offsets, length));
}

/// What is put around a tensor (cut off if negative), before and behind each axis.
struct Margins {
  Integers before;
  Integers behind;
};

Margins margins(const Call& call, std::size_t rank) {
  const std::optional<Integers> pads = call.list("pads", 1, 11);
  if (!pads) call.damaged("it lacks its pads");
  Integers all;
  for (std::size_t axis = 0; axis < rank; ++axis) all.push_back(to_signed(axis));
  if (call.opset() < 18 && call.has_input(3)) call.damaged("operator set 18 is the first to name axes");
  const std::vector<std::size_t> axes = call.axes(call.has_input(3) ? call.row(3) : all, rank);
  if (pads->size() != 2 * axes.size()) call.damaged("it needs two pads an axis");
  Margins margins{Integers(rank, 0), Integers(rank, 0)};
  for (std::size_t i = 0; i < axes.size(); ++i) {
    margins.before[axes[i]] = (*pads)[i];
    margins.behind[axes[i]] = (*pads)[axes.size() + i];
  }
  return margins;
}

template <typename Number>
Number padding(const Call& call) {
  if (call.opset() >= 11 && call.has_attribute("value")) call.damaged("its value has to be an input");
  if constexpr (std::is_same_v<Number, double>) {
    if (call.opset() < 11) return call.number("value", 0.0);
  }
  if (call.opset() < 11 || !call.has_input(2)) return 0;
  const auto* const value = std::get_if<std::vector<Number>>(&call.input(2).values);
  if (value == nullptr || value->size() != 1)
    call.refuse("its constant has to be one number of its input's type");
  return (*value)[0];
}

Outputs pad(const Call& call) {
  if (call.text("mode", "constant") != "constant") call.refuse("it pads with other than a constant");
  const Tensor& input = call.input(0);
  const std::size_t rank = input.shape.size();
  const Margins around_it = margins(call, rank);
  const std::int64_t most = to_signed(kMostElements);
  // The part of the input that stays, and where it comes to lie in the result.
  Shape shape;
  Shape kept;
  std::int64_t from = 0;
  std::int64_t to = 0;
  const Strides strides = strides_of(input.shape);
  Integers places;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    const std::int64_t before = around_it.before[axis];
    const std::int64_t behind = around_it.behind[axis];
    if (std::max(before, behind) > most || std::min(before, behind) < -most) {
      call.refuse("its pads are too large");
    }
    const std::int64_t size = to_signed(input.shape[axis]);
    shape.push_back(call.dimension(before + size + behind));
    const std::int64_t first = std::max<std::int64_t>(0, -before);
    const std::int64_t last = std::min(size, size + behind);
    kept.push_back(to_size(std::max<std::int64_t>(0, last - first)));
    places.push_back(std::max<std::int64_t>(0, before));
    from += first * strides[axis];
  }
  const std::size_t count = call.count(shape);
  call.work({count});
  const Strides result_strides = strides_of(shape);
  for (std::size_t axis = 0; axis < rank; ++axis) to += places[axis] * result_strides[axis];
  const Tensor inside = pick(call, input, kept, strides, from);
  return std::visit(
      [&](const auto& elements) {
        using Values = std::decay_t<decltype(elements)>;
        Values values(count, padding<typename Values::value_type>(call));
        auto next = elements.begin();
        walk(kept, result_strides, to, [&](std::size_t offset) { values[offset] = *next++; });
        return one({shape, std::move(values)});
      },
      inside.values);
}

}  // namespace

const std::vector<Operator>& selection_operators() {
  static const std::vector<Operator> table{
      {"Slice", 1, 5, {"starts", "ends", "axes"}, slice},  {"Gather", 2, 2, {"axis"}, gather},
      {"GatherElements", 2, 2, {"axis"}, gather_elements}, {"GatherND", 2, 2, {"batch_dims"}, gather_nd},
      {"Pad", 1, 4, {"mode", "pads", "value"}, pad},
  };
  return table;
}

}  // namespace opaline::network::evaluation
