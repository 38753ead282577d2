#include <algorithm>
#include <limits>
#include <span>
#include <utility>

#include "opaline/model/onnx/operators.h"
#include "opaline/model/onnx/quoted.h"

/// Parts of tensors, and tensors put together.
namespace opaline::network {
namespace {

Values concat(const Node& node, ForwardPass& pass) {
  const Shape& first = node.need_shape(0);
  if (node.attribute("axis") == nullptr) node.refuse("needs its axis");
  const std::size_t axis = node.axis(node.integer("axis", 0), first.size());
  Shape shape = first;
  shape[axis] = 0;
  for (std::size_t i = 0; i < node.inputs(); ++i) {
    Shape other = node.need_shape(i);
    if (other.size() != shape.size()) node.refuse("its inputs have different numbers of dimensions");
    shape[axis] += std::exchange(other[axis], shape[axis]);
    other[axis] = shape[axis];
    if (other != shape) {
      node.refuse("its inputs of shapes " + to_string(first) + " and " + to_string(node.need_shape(i)) +
                  " differ beside the axis " + std::to_string(axis));
    }
  }
  node.checked(shape);

  std::vector<Step> steps;
  Strides to = in_order(shape);
  for (std::size_t i = 0; i < node.inputs(); ++i) {
    const Shape& part = node.need_shape(i);
    if (const Variable* x = node.variable(i)) {
      steps.push_back(variable_step(part, to, *x, in_order(part)));
    } else {
      steps.push_back(constant_step(part, to, {1.0, node.need_numbers(i), in_order(part)}));
    }
    to.start += to.steps[axis] * static_cast<std::ptrdiff_t>(part[axis]);
  }
  return {pass.make(node, shape, std::move(steps))};
}

/// How many of `size` each of the outputs of a Split takes.
std::vector<std::int64_t> parts_of(const Node& node, std::size_t size) {
  const auto outputs = static_cast<std::int64_t>(node.outputs());
  if (const std::optional<std::vector<std::int64_t>> given = node.list("split", 1, 13)) {
    if (node.attribute("num_outputs") != nullptr) node.refuse("has sizes as well as a number of outputs");
    return *given;
  }
  const std::int64_t count = node.integer("num_outputs", outputs);
  const auto whole = static_cast<std::int64_t>(size);
  if (count != outputs || count < 1 || (whole % count != 0 && node.opset() < 18)) {
    node.refuse("cannot split " + std::to_string(size) + " evenly into its " + std::to_string(outputs) +
                " outputs");
  }
  const std::int64_t each = (whole + count - 1) / count;
  std::vector<std::int64_t> parts(static_cast<std::size_t>(count), each);
  parts.back() = whole - each * (count - 1);
  return parts;
}

Values split(const Node& node, ForwardPass& pass) {
  const Variable& x = node.need_variable(0);
  const std::size_t axis = node.axis(node.integer("axis", 0), x.shape.size());
  const std::vector<std::int64_t> parts = parts_of(node, x.shape[axis]);
  if (parts.size() != node.outputs()) node.refuse("has another number of outputs than of sizes");
  Strides from = in_order(x.shape);
  auto left = static_cast<std::int64_t>(x.shape[axis]);
  Values values;
  for (const std::int64_t part : parts) {
    if (part < 1 || part > left) node.refuse("its sizes do not add up to " + std::to_string(x.shape[axis]));
    left -= part;
    Shape shape = x.shape;
    shape[axis] = static_cast<std::size_t>(part);
    values.emplace_back(pass.make(node, shape, {variable_step(shape, in_order(shape), x, from)}));
    from.start += from.steps[axis] * part;
  }
  if (left != 0) node.refuse("its sizes do not add up to " + std::to_string(x.shape[axis]));
  return values;
}

/// starts, ends, axes and steps of a Slice, one an axis named.
struct Cuts {
  std::vector<std::int64_t> starts, ends, axes, steps;
};

Cuts cuts_of(const Node& node) {
  const auto starts = node.list("starts", 1, 10);
  const auto ends = node.list("ends", 2, 10);
  if (!starts || !ends) node.refuse("needs its starts and ends");
  Cuts cuts{*starts, *ends, {}, std::vector<std::int64_t>(starts->size(), 1)};
  for (std::size_t i = 0; i < starts->size(); ++i) cuts.axes.push_back(static_cast<std::int64_t>(i));
  cuts.axes = node.list("axes", 3, 10).value_or(cuts.axes);
  if (node.has_input(4)) cuts.steps = node.need_integers(4);
  for (const std::size_t size : {cuts.ends.size(), cuts.axes.size(), cuts.steps.size()}) {
    if (size != cuts.starts.size()) node.refuse("has starts, ends, axes and steps of different numbers");
  }
  return cuts;
}

Values slice(const Node& node, ForwardPass& pass) {
  const Variable& x = node.need_variable(0);
  const Cuts cuts = cuts_of(node);
  node.axes(cuts.axes, x.shape.size());
  Shape shape = x.shape;
  Strides from = in_order(x.shape);
  for (std::size_t i = 0; i < cuts.axes.size(); ++i) {
    const std::size_t axis = node.axis(cuts.axes[i], x.shape.size());
    const auto size = static_cast<std::int64_t>(x.shape[axis]);
    const std::int64_t step = cuts.steps[i];
    // The step's own negative has to exist.
    if (step == 0 || step == std::numeric_limits<std::int64_t>::min()) node.refuse("has an impossible step");
    const auto place = [&](std::int64_t at, std::int64_t lowest, std::int64_t highest) {
      return std::clamp(at < 0 ? at + size : at, lowest, highest);
    };
    const std::int64_t start = step > 0 ? place(cuts.starts[i], 0, size) : place(cuts.starts[i], 0, size - 1);
    const std::int64_t end = step > 0 ? place(cuts.ends[i], 0, size) : place(cuts.ends[i], -1, size - 1);
    const std::int64_t length = step > 0 ? end - start : start - end;
    const std::int64_t stride = step > 0 ? step : -step;
    const std::int64_t taken = length <= 0 ? 0 : (length - 1) / stride + 1;
    shape[axis] = static_cast<std::size_t>(taken);
    from.start += from.steps[axis] * start;
    // With one element there is no next one; the product might overflow.
    from.steps[axis] = taken > 1 ? from.steps[axis] * step : 0;
  }
  node.checked(shape);
  return {pass.make(node, shape, {variable_step(shape, in_order(shape), x, from)})};
}

Values pad(const Node& node, ForwardPass& pass) {
  const Variable& x = node.need_variable(0);
  const std::size_t rank = x.shape.size();
  if (node.text("mode", "constant") != "constant") {
    node.refuse("only mode \"constant\" is supported; export the network with zero padding");
  }
  const auto pads = node.list("pads", 1, 11);
  if (!pads) node.refuse("needs its pads");
  std::vector<std::int64_t> axes;
  for (std::size_t i = 0; i < rank; ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (node.has_input(3)) axes = node.need_integers(3);
  node.axes(axes, rank);
  if (pads->size() != 2 * axes.size()) node.refuse("needs two pads for every axis");
  Constant value = make_constant({}, {node.number("value", 0.0)});
  if (node.opset() >= 11 && node.has_input(2)) value = node.need_numbers(2);
  if (element_count(value->shape) != 1) node.refuse("needs one number to pad with");

  Shape shape = x.shape;
  Shape kept = x.shape;
  std::vector<std::int64_t> before(rank, 0);
  for (std::size_t i = 0; i < axes.size(); ++i) {
    constexpr auto kMost = static_cast<std::int64_t>(kMostElements);
    const std::size_t axis = node.axis(axes[i], rank);
    const std::int64_t first = (*pads)[i];
    const std::int64_t last = (*pads)[i + axes.size()];
    for (const std::int64_t each : {first, last}) {
      if (each < -kMost || each > kMost) node.refuse("its pads are too large");
    }
    const auto size = static_cast<std::int64_t>(x.shape[axis]);
    const std::int64_t left = size + std::min<std::int64_t>(first, 0) + std::min<std::int64_t>(last, 0);
    if (left < 1 || size + first + last < 1) node.refuse("crops all there is");
    before[axis] = first;
    shape[axis] = static_cast<std::size_t>(size + first + last);
    kept[axis] = static_cast<std::size_t>(left);
  }
  node.checked(shape);

  Strides to = in_order(shape);
  Strides from = in_order(x.shape);
  for (std::size_t i = 0; i < rank; ++i) {
    to.start += to.steps[i] * std::max<std::int64_t>(before[i], 0);
    from.start -= from.steps[i] * std::min<std::int64_t>(before[i], 0);
  }
  // The padding is the number everywhere, taken away again where the tensor itself is.
  std::vector<Step> steps = {variable_step(kept, to, x, from)};
  const double number = numbers_of(*value)[0];
  if (number != 0.0) {
    steps.push_back(constant_step(shape, in_order(shape), {number}));
    steps.push_back(constant_step(kept, to, {-number}));
  }
  return {pass.make(node, shape, std::move(steps))};
}

// By constant indices.

/// A constant of whole numbers of any shape.
const std::vector<std::int64_t>& indices_of(const Node& node) {
  const Constant found = node.constant(1);
  const auto* indices = found ? std::get_if<std::vector<std::int64_t>>(&found->values) : nullptr;
  if (indices == nullptr) node.refuse("is not affine unless its indices are constant whole numbers");
  return *indices;
}

/// An index into a dimension, counted back from its end if negative.
std::ptrdiff_t entry(const Node& node, std::int64_t index, std::size_t size) {
  const auto count = static_cast<std::int64_t>(size);
  if (index < -count || index >= count) {
    node.refuse("its index " + std::to_string(index) + " is outside a dimension of size " +
                std::to_string(size));
  }
  return index < 0 ? index + count : index;
}

/// Output block i is the block of `block` elements that starts at element starts[i].
Values blocks(const Node& node, ForwardPass& pass, const Shape& shape, std::vector<std::ptrdiff_t> starts,
              std::size_t block) {
  const std::uint64_t entries = std::uint64_t{starts.size()} * block;
  return {pass.make(
      node, shape,
      {visiting_step(entries, node.need_variable(0), [starts = std::move(starts), block](const auto& emit) {
        for (std::size_t i = 0; i < starts.size(); ++i) {
          const auto start = static_cast<std::size_t>(starts[i]);
          for (std::size_t k = 0; k < block; ++k) emit(i * block + k, start + k, 1.0);
        }
      })})};
}

Values gather(const Node& node, ForwardPass& pass) {
  const Variable& x = node.need_variable(0);
  const std::size_t axis = node.axis(node.integer("axis", 0), x.shape.size());
  const std::vector<std::int64_t>& indices = indices_of(node);
  Shape shape(x.shape.begin(), x.shape.begin() + static_cast<std::ptrdiff_t>(axis));
  const Shape& index_shape = node.need_shape(1);
  shape.insert(shape.end(), index_shape.begin(), index_shape.end());
  shape.insert(shape.end(), x.shape.begin() + static_cast<std::ptrdiff_t>(axis) + 1, x.shape.end());
  node.checked(shape);

  const std::size_t inner = element_count(std::span(x.shape).subspan(axis + 1));
  const std::size_t outer = element_count(std::span(x.shape).first(axis));
  pass.keep(node, outer * indices.size());
  std::vector<std::ptrdiff_t> starts;
  for (std::size_t i = 0; i < outer; ++i) {
    const std::size_t base = i * x.shape[axis] * inner;
    for (const std::int64_t index : indices) {
      starts.push_back(static_cast<std::ptrdiff_t>(base) +
                       entry(node, index, x.shape[axis]) * static_cast<std::ptrdiff_t>(inner));
    }
  }
  return blocks(node, pass, shape, std::move(starts), inner);
}

Values gather_elements(const Node& node, ForwardPass& pass) {
  const Variable& x = node.need_variable(0);
  const std::size_t axis = node.axis(node.integer("axis", 0), x.shape.size());
  const std::vector<std::int64_t>& indices = indices_of(node);
  const Shape shape = node.checked(node.need_shape(1));
  if (shape.size() != x.shape.size()) node.refuse("its indices need the dimensions of its tensor");
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i != axis && shape[i] > x.shape[i]) node.refuse("has more indices than its tensor has elements");
  }
  Strides from = in_order(x.shape);
  const std::ptrdiff_t along = std::exchange(from.steps[axis], 0);
  pass.keep(node, indices.size());
  std::vector<std::ptrdiff_t> starts(indices.size());
  const Strides all = in_order(shape);
  walk(shape, all, from, from, [&](const Position& at) {
    const auto i = static_cast<std::size_t>(at[0]);
    starts[i] = at[1] + along * entry(node, indices[i], x.shape[axis]);
  });
  return blocks(node, pass, shape, std::move(starts), 1);
}

Values gather_nd(const Node& node, ForwardPass& pass) {
  const Variable& x = node.need_variable(0);
  const std::vector<std::int64_t>& indices = indices_of(node);
  const Shape& index_shape = node.need_shape(1);
  if (node.integer("batch_dims", 0) != 0) node.refuse("batch_dims is not supported; use Gather");
  if (index_shape.empty() || index_shape.back() < 1 || index_shape.back() > x.shape.size()) {
    node.refuse("its indices do not fit a tensor of shape " + to_string(x.shape));
  }
  const std::size_t depth = index_shape.back();
  Shape shape(index_shape.begin(), index_shape.end() - 1);
  shape.insert(shape.end(), x.shape.begin() + static_cast<std::ptrdiff_t>(depth), x.shape.end());
  node.checked(shape);
  const Strides from = in_order(x.shape);
  pass.keep(node, indices.size() / depth);
  std::vector<std::ptrdiff_t> starts(indices.size() / depth, 0);
  for (std::size_t i = 0; i < indices.size(); ++i) {
    const std::size_t axis = i % depth;
    starts[i / depth] += from.steps[axis] * entry(node, indices[i], x.shape[axis]);
  }
  return blocks(node, pass, shape, std::move(starts), element_count(std::span(x.shape).subspan(depth)));
}

}  // namespace

const std::vector<Operator>& selection_operators() {
  static const std::vector<Operator> kTable = {
      {"Concat", 1, kAnyNumber, {"axis"}, concat},
      {"Gather", 2, 2, {"axis"}, gather},
      {"GatherElements", 2, 2, {"axis"}, gather_elements},
      {"GatherND", 2, 2, {"batch_dims"}, gather_nd},
      {"Pad", 1, 4, {"mode", "pads", "value"}, pad},
      {"Slice", 1, 5, {"starts", "ends", "axes"}, slice},
      {"Split", 1, 2, {"axis", "split", "num_outputs"}, split},
  };
  return kTable;
}

}  // namespace opaline::network
